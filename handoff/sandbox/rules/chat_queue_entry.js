// Business rule on chat_queue_entry: async, after insert and update, order 1000.
// When to run: State changes, or Assigned to changes.
// Tells the bot's side how a chat that the integration user opened stands.
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

    // A clone of this instance keeps the properties but not the name: it stays silent.
    var instance = String(gs.getProperty('instance_name'));
    if (instance != property('instance_name')) return;

    // Whatever its queue: a chat that was moved to another one is still ours.
    if (String(current.opened_by.user_name) != property('integration_user')) return;

    try {
        send(String(current.sys_id) + '-' + String(current.sys_mod_count), {
            event: 'state',
            instance: instance,
            group: String(current.group),
            sys_id: String(current.sys_id),
            number: String(current.number),
            state: String(current.state),
            queue: String(current.queue),
            assigned_to: String(current.assigned_to),
            assigned_to_name: String(current.assigned_to.getDisplayValue() || ''),
            sys_mod_count: String(current.sys_mod_count),
            sys_updated_on: String(current.sys_updated_on)
        });
    } catch (failure) {
        gs.error(PREFIX + ': the callback could not be made');
    }
})(current, previous);
