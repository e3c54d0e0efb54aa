// Business rule on live_message: async, after insert, order 1000.
// Tells the bot's side what was written in a chat that the integration user opened.
(function executeRule(current, previous) {
    var PREFIX = 'handoff';
    var MESSAGE = 'Handoff';

    function property(name) {
        return String(gs.getProperty(PREFIX + '.' + name, ''));
    }

    // ASCII only, so that signing and sending cannot disagree about an encoding; no
    // dollar sign, which outbound REST would take for the start of a variable.
    function encode(body) {
        return JSON.stringify(body).replace(/[^\x20-\x7e]|\$/g, function (character) {
            return '\\u' + ('000' + character.charCodeAt(0).toString(16)).slice(-4);
        });
    }

    function send(id, body) {
        var text = encode(body);
        var seconds = Math.floor(new GlideDateTime().getNumericValue() / 1000);
        var mac = new GlideCertificateEncryption().generateMac(
            property('callback_key'), 'HmacSHA256', id + '.' + seconds + '.' + text);
        var request = new sn_ws.RESTMessageV2(MESSAGE, 'post');
        request.setHttpTimeout(3000);
        request.setRequestHeader('Content-Type', 'application/json');
        request.setRequestHeader('webhook-id', id);
        request.setRequestHeader('webhook-timestamp', String(seconds));
        request.setRequestHeader('webhook-signature', 'v1,' + mac);
        request.setRequestBody(text);
        var status = request.execute().getStatusCode();
        if (status < 200 || status > 299) {
            gs.error(PREFIX + ': the callback answered ' + status);
        }
    }

    // Asynchronous rules overtake each other, and times are whole seconds: the other
    // side must be able to tell that it has not been told of an earlier message yet.
    function writtenBefore(user, group) {
        var names = [];
        var earlier = new GlideRecord('live_message');
        earlier.addQuery('group', group);
        earlier.addQuery('sys_created_on', '<=', String(current.sys_created_on));
        earlier.addQuery('sys_id', '!=', String(current.sys_id));
        earlier.addQuery('sys_created_by', '!=', user);
        earlier.orderByDesc('sys_created_on');
        earlier.setLimit(10);
        earlier.query();
        while (earlier.next()) {
            if (String(earlier.internal) != 'true') names.push(String(earlier.sys_id));
        }
        return names.join(',');
    }

    // A clone of this instance keeps the properties but not the name: it stays silent.
    var instance = String(gs.getProperty('instance_name'));
    if (instance != property('instance_name')) return;

    var user = property('integration_user');
    var author = String(current.sys_created_by);
    if (author == user || String(current.internal) == 'true') return;

    // Other people's chats are in this table too, also in the same queue.
    var group = String(current.group);
    if (!group) return;
    var entry = new GlideRecord('chat_queue_entry');
    entry.addQuery('group', group);
    entry.addQuery('opened_by.user_name', user);
    entry.setLimit(1);
    entry.query();
    if (!entry.next()) return;

    try {
        send(String(current.sys_id), {
            event: 'message',
            instance: instance,
            group: group,
            sys_id: String(current.sys_id),
            message: String(current.message),
            formatted_message: String(current.formatted_message || current.message),
            sys_created_by: author,
            sender_name: String(current.profile.getDisplayValue() || ''),
            sys_created_on: String(current.sys_created_on),
            last_message: String(current.last_message),
            follows: writtenBefore(user, group)
        });
    } catch (failure) {
        gs.error(PREFIX + ': the callback could not be made');
    }
})(current, previous);
