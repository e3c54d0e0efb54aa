// The part of ServiceNow's server-side API that business rules here may use, over the
// one function that reaches Python. What a rule could use to look at this machine goes.
var current, previous;
var GlideRecord, GlideDateTime, GlideCertificateEncryption, GlideStringUtil, gs, sn_ws;

(function (host, input) {
  'use strict';
  ['call_python', 'console', 'dukpy', 'process', 'require'].forEach(function (name) {
    globalThis[name] = undefined;
  });

  // Like a GlideElement: prints as its value, knows its display value, and leads on to
  // the record that it refers to.
  function element(record, column) {
    const value = record.values[column];
    const own = {
      toString: () => value,
      valueOf: () => value,
      getDisplayValue: () => host('display', record.table, column, value),
      nil: () => value === '',
      changes: () => record.changed.indexOf(column) >= 0,
    };
    return new Proxy(own, {
      get: function (target, name) {
        if (name in target || typeof name === 'symbol') return target[name];
        return field(host('dereference', record.table, column, value), name);
      },
    });
  }

  function field(record, name) {
    return record && name in record.values ? element(record, name) : undefined;
  }

  // getValue() has its own habits: null for empty, '1' and '0' for booleans.
  function plainValue(record, column) {
    const value = record.values[column];
    if (record.booleans.indexOf(column) >= 0) return value === 'true' ? '1' : '0';
    return value || null;
  }

  function cursor(table, only) {
    const words = [];
    let limit = 0;
    let found = [];
    let record = only;
    const methods = {
      addQuery: function (column, operator, value) {
        const given = arguments.length > 2 ? value : operator;
        const sign = arguments.length > 2 ? String(operator) : '=';
        const encoded = { CONTAINS: 'LIKE' }[sign] || sign;
        words.push(column + encoded + String(given).split('^').join('^^'));
      },
      addEncodedQuery: (query) => void words.push(query),
      orderBy: (column) => void words.push('ORDERBY' + column),
      orderByDesc: (column) => void words.push('ORDERBYDESC' + column),
      setLimit: (number) => void (limit = number),
      query: () => void (found = host('find', table, words.join('^'), limit)),
      next: () => Boolean((record = found.shift())),
      hasNext: () => found.length > 0,
      get: function (column, value) {
        const query = arguments.length > 1 ? column + '=' + value : 'sys_id=' + column;
        record = host('find', table, query, 1)[0];
        return Boolean(record);
      },
      getValue: (column) => (record ? plainValue(record, column) : null),
      getDisplayValue: function (column) {
        const shown = record && field(record, column || record.display);
        return shown ? shown.getDisplayValue() : null;
      },
      getUniqueValue: () => record && record.values.sys_id,
      getTableName: () => table,
      isNewRecord: () => false,
      isValidRecord: () => Boolean(record),
      operation: () => input.operation,
    };
    return new Proxy(methods, {
      get: (target, name) => (name in target ? target[name] : field(record, name)),
    });
  }

  GlideRecord = function (table) {
    return cursor(String(table));
  };
  GlideDateTime = function () {
    this.getNumericValue = () => host('now');
  };
  GlideCertificateEncryption = function () {
    this.generateMac = (key, algorithm, data) =>
      host('mac', String(key), String(algorithm), String(data));
  };
  GlideStringUtil = {
    base64Encode: (text) => host('base64', String(text)),
    escapeForHomePage: (text) =>
      String(text).replace(/</g, '%3c').replace(/>/g, '%3e').replace(/\n/g, '\\n'),
  };
  gs = {
    getProperty: function (name, otherwise) {
      const value = host('property', String(name));
      return value === '' ? (otherwise === undefined ? null : otherwise) : value;
    },
    getUserName: () => input.user_name,
    getUserID: () => input.user_id,
    base64Encode: GlideStringUtil.base64Encode,
    nil: (value) => value === null || value === undefined || String(value) === '',
    error: (text) => void host('log', 'error', String(text)),
    warn: (text) => void host('log', 'warn', String(text)),
    info: (text) => void host('log', 'info', String(text)),
    log: (text) => void host('log', 'info', String(text)),
  };
  sn_ws = {
    RESTMessageV2: function (message, method) {
      const call = { message: message || '', method: method || '', headers: {} };
      this.setRequestBody = (text) => void (call.body = String(text));
      this.setRequestHeader = (name, value) => void (call.headers[name] = String(value));
      this.setHttpTimeout = (milliseconds) => void (call.timeout = Number(milliseconds));
      this.setEndpoint = (url) => void (call.endpoint = String(url));
      this.setHttpMethod = (name) => void (call.http_method = String(name));
      this.execute = function () {
        const answer = host('send', call);
        return {
          getStatusCode: () => answer.status,
          getBody: () => answer.body,
          haveError: () => answer.error !== '',
          getErrorMessage: () => answer.error,
        };
      };
    },
  };

  current = cursor(input.current.table, input.current);
  previous = input.previous ? cursor(input.previous.table, input.previous) : null;
})(call_python, dukpy);
