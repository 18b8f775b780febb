import { gzipSync } from 'node:zlib'
import { paths } from '../world.ts'

/** Bodies that no operation takes, by what is wrong with them. */
export const badBodies: Record<string, string | Buffer> = {
  nothing: '',
  'white space': '   ',
  'half an object': '{"dry_run": ',
  'two objects': '{}{}',
  'a comment': '{} // all',
  'a field twice': '{"domain": "nobody", "dry_run": false, "domain": null}',
  'a field twice, once with an escape': '{"domain": "nobody", "doma\\u0069n" : ""}',
  'a field of a field twice': '{"domain": "nobody", "payload": [{"path": "a", "value": "1", "value": "2"}]}',
  'single quotes': "{'dry_run': false}",
  'a bare word': 'true story',
  NaN: '{"max": NaN}',
  Infinity: '{"max": Infinity}',
  'a hexadecimal number': '{"max": 0x10}',
  null: 'null',
  'a list': '[]',
  'a list of objects': '[{"dry_run": false}]',
  'a string': '"prune"',
  'a number': '42',
  'a boolean': 'true',
  'a lone surrogate as the body': '"\\ud800"',
  'invalid UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  'overlong UTF-8': Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d]),
  'UTF-16': Buffer.from('\uFEFF{"dry_run": false}', 'utf16le'),
  'a compressed object': gzipSync('{}'),
  'bytes of zero': Buffer.alloc(64),
  'deep lists': `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
  'deep objects': `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  'a deep field': `{"domain": ${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
  'an unknown field': '{"everything": true}',
  'a field in another case': '{"Domain": "chatbooks"}',
  'thousands of unknown fields': `{${Array.from({ length: 5000 }, (_, n) => `"f${n}": ${n}`).join(',')}}`,
  __proto__: '{"__proto__": {"dry_run": true}}',
  constructor: '{"constructor": {"prototype": {"dry_run": true}}}',
  'an empty name': '{"": 1}',
  'a name with NUL': '{"\\u0000": 1}',
  'a domain that is a number': '{"domain": 5}',
  'a domain that is a list': '{"domain": ["chatbooks"]}',
  'a domain that is an object': '{"domain": {"$ne": null}}',
  'a domain that is true': '{"domain": true}',
  'a domain with NUL': '{"domain": "chat\\u0000books"}',
  'a domain with a line feed': '{"domain": "chat\\nbooks"}',
  'a domain with an escape': '{"domain": "\\u001b[2J"}',
  'a domain with half a surrogate': '{"domain": "chat\\ud83dbooks"}',
  'a domain of 129 characters': `{"domain": "${'x'.repeat(129)}"}`,
  'a domain of 100,000 characters': `{"domain": "${'x'.repeat(100_000)}"}`,
  'a queue with DEL': '{"domain": "a", "queue": "\\u007f"}',
  'a job type with NEL': '{"domain": "a", "job_type": "a\\u0085b"}',
  'max 0': '{"domain": "a", "max": 0}',
  'max -1': '{"domain": "a", "max": -1}',
  'max 1.5': '{"domain": "a", "max": 1.5}',
  'max 1e400': '{"domain": "a", "max": 1e400}',
  'max 2^53': '{"domain": "a", "max": 9007199254740992}',
  'max 2^53 + 1': '{"domain": "a", "max": 9007199254740993}',
  'max as a string': '{"domain": "a", "max": "1"}',
  'max as null': '{"domain": "a", "max": null}',
}

/** Bodies that are wrong for one operation. */
export const badFields: [path: string, body: object][] = [
  ...['queued', 'processing', 'done', '', ' ', '*', "completed'--", 'completed\0'].map((status): [string, object] => [
    paths.prune,
    { statuses: [status] },
  ]),
  ...[[], {}, 'completed', 1, true, null, [1], [null], [['completed']]].map((statuses): [string, object] => [
    paths.prune,
    { statuses },
  ]),
  ...[0, -1, 1.5, 3651, '30', null, true, [], {}, 1e300, -0.5].map((older_than_days): [string, object] => [
    paths.prune,
    { older_than_days },
  ]),
  ...[-1, 101, 1.5, '5', null, {}].map((detail_top_k): [string, object] => [paths.prune, { detail_top_k }]),
  ...[0, -1, 1.5, '60', 2 ** 53, 1e300, {}, [], false].flatMap((seconds): [string, object][] => [
    [paths.sweep, { age_seconds: seconds }],
    [paths.sweep, { runtime_seconds: seconds }],
  ]),
  ...['delete', '', 'CANCEL', 1, null, {}].map((action): [string, object] => [paths.sweep, { age_seconds: 1, action }]),
  [paths.sweep, {}],
  [paths.sweep, { action: 'cancel' }],
  ...[0, -1, 1.5, '1', 2 ** 53, 1e300, {}, [1]].map((job_id): [string, object] => [
    paths.requeue,
    { domain: 'chatbooks', job_id },
  ]),
  [paths.requeue, {}],
  [paths.requeue, { domain: '  ' }],
  ...['true', 1, null, {}, []].map((fix): [string, object] => [paths.integrity, { fix }]),
  ...['false', 0, null, {}, []].flatMap((dry_run): [string, object][] => [
    [paths.prune, { dry_run }],
    [paths.sweep, { age_seconds: 1, dry_run }],
    [paths.requeue, { domain: 'chatbooks', dry_run }],
  ]),
]

/** Queries that stats does not take. */
export const badQueries = [
  ...['domain=a&domain=b', 'domain=a&domain=a', 'queue=a&queue=', 'limit=5', 'Domain=a', 'domain[]=a', 'domain[$ne]=a'],
  ...[
    'domain=%00',
    'domain=a%00b',
    'queue=a%0Ab',
    'job_type=%1B%5B2J',
    'domain=%7F',
    '__proto__=a',
    '=a',
    'constructor=a',
  ],
  ...[
    `domain=${'x'.repeat(129)}`,
    `queue=${'%F0%9F%93%9A'.repeat(129)}`,
    'dry_run=false',
    'X-Confirm=true',
    'api_key=x',
  ],
]

/** Paths that are none, or only look like one. */
export const badPaths = [
  ...['/api/v1/jobs/../../../etc/passwd', '/api/v1/jobs/%2e%2e/prune', '//api/v1/jobs/stats', '/api/v1/jobs/stats/'],
  ...['/api/v1/jobs/stats%00', '/api/v1/jobs/%E0%A4%A', '/api/v1/jobs/%', '/api/v1/jobs/%zz', '/%c0%ae%c0%ae/', '/*'],
  ...['/api/v1/jobs/stats;a=b', '/api/v1/jobs/PRUNE', '/api/v2/jobs/stats', '/__proto__', '/constructor', '/.env'],
]

/** Requests that no client library sends, by what is wrong with them. `key` makes them count. */
export function rawRequests(key: string): Record<string, string | Buffer> {
  const auth = `X-API-KEY: ${key}\r\nX-Confirm: true\r\nConnection: close\r\n`
  const host = 'Host: localhost\r\n'
  const get = (target: string, more = host) => `GET ${target} HTTP/1.1\r\n${more}${auth}\r\n`
  const method = (name: string) => `${name} ${paths.prune} HTTP/1.1\r\n${host}${auth}\r\n`
  const post = (headers: string, body: string | Buffer) =>
    Buffer.concat([
      Buffer.from(`POST ${paths.prune} HTTP/1.1\r\n${host}${auth}Content-Type: application/json\r\n${headers}\r\n`),
      Buffer.from(body),
    ])
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
  return {
    'nothing at all': '\r\n\r\n',
    noise: Buffer.from([0, 1, 2, 3, 255, 254, 13, 10, 13, 10]),
    'a TLS hello': Buffer.from('16030100c8010000c40303', 'hex'),
    'HTTP/0.9': `GET ${paths.stats}\r\n\r\n`,
    'HTTP/1.0': `GET ${paths.stats} HTTP/1.0\r\n\r\n`,
    'HTTP/1.0 with a key': `GET /nothing HTTP/1.0\r\n${auth}\r\n`,
    'HTTP/2 by surprise': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'HTTP/9.9': `GET ${paths.stats} HTTP/9.9\r\n${host}${auth}\r\n`,
    TRACE: method('TRACE'),
    'TRACE of stats': `TRACE ${paths.stats} HTTP/1.1\r\n${host}${auth}\r\n`,
    'TRACE of /healthz': `TRACE /healthz HTTP/1.1\r\n${host}${auth}\r\n`,
    TRACK: method('TRACK'),
    CONNECT: `CONNECT example.com:443 HTTP/1.1\r\n${host}${auth}\r\n`,
    PROPFIND: method('PROPFIND'),
    'a method of no standard': method('PRUNE'),
    'a method in lower case': method('post'),
    'OPTIONS *': `OPTIONS * HTTP/1.1\r\n${host}${auth}\r\n`,
    'GET *': get('*'),
    'an expectation of no standard': get(paths.stats, `${host}Expect: foo\r\n`),
    'no Host': get(paths.prune, ''),
    'an empty Host': get(paths.prune, 'Host: \r\n'),
    'two Hosts': get(paths.prune, `${host}Host: example.com\r\n`),
    'a Host with a path': get(paths.prune, 'Host: a/b?c#d\r\n'),
    'a Host with a space': get(paths.prune, 'Host: a b\r\n'),
    'a Host that is no name': get(paths.prune, 'Host: <script>\r\n'),
    'a Host with a bad port': get(paths.prune, 'Host: localhost:99999999\r\n'),
    'a Host of bytes': Buffer.from(get(paths.prune, 'Host: \xff\xfe\r\n'), 'latin1'),
    'a Host with brackets': get(paths.prune, 'Host: [::1\r\n'),
    'a Host with a user': get(paths.prune, 'Host: user:secret@localhost\r\n'),
    'a whole URL as target': get('http://example.com/api/v1/jobs/prune'),
    'a broken URL as target': get('http://[::1/api/v1/jobs/prune'),
    'a URL of another scheme': get('file:///etc/passwd'),
    'a target without a slash': get('api/v1/jobs/prune'),
    'a target of bytes': Buffer.from(get('/\xff\xfe'), 'latin1'),
    'a target with a space': get('/api/v1/jobs/prune x'),
    'a target with backslashes': get('\\api\\v1\\jobs\\prune'),
    'a target of 100,000 characters': get(`/${'a'.repeat(100_000)}`),
    'a header of 100,000 characters': get(paths.prune, `${host}X-Long: ${'a'.repeat(100_000)}\r\n`),
    'ten thousand headers': get(paths.prune, host + 'X-Many: 1\r\n'.repeat(10_000)),
    'a header without a colon': get(paths.prune, `${host}nonsense\r\n`),
    'a header with a space in its name': get(paths.prune, `${host}X Bad: 1\r\n`),
    'a header with NUL': get(paths.prune, `${host}X-Bad: a\0b\r\n`),
    'a folded header': get(paths.prune, `${host}X-Folded: a\r\n b\r\n`),
    'bare line feeds': get(paths.prune).replaceAll('\r\n', '\n'),
    'a cookie of bytes': Buffer.from(get(paths.prune, `${host}Cookie: \xff=\xfe\r\n`), 'latin1'),
    'a negative length': post('Content-Length: -5\r\n', '{}'),
    'a length that is no number': post('Content-Length: two\r\n', '{}'),
    'two lengths': post('Content-Length: 2\r\nContent-Length: 3\r\n', '{}'),
    'a length beyond the body': post('Content-Length: 50\r\n', '{}'),
    'a length of 2^64': post('Content-Length: 18446744073709551616\r\n', '{}'),
    'a length and chunks': post('Content-Length: 2\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    'an unknown transfer encoding': post('Transfer-Encoding: rot13\r\n', '{}'),
    'chunks that are none': post('Transfer-Encoding: chunked\r\n', 'nonsense'),
    'a chunk of a negative size': post('Transfer-Encoding: chunked\r\n', '-1\r\n{}\r\n0\r\n\r\n'),
    'chunks that never end': post('Transfer-Encoding: chunked\r\n', chunk('{"dry_run": true')),
    'an empty chunked body': post('Transfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    'a chunked body over the limit': post(
      'Transfer-Encoding: chunked\r\n',
      `${chunk(' '.repeat(700_000)).repeat(2)}0\r\n\r\n`,
    ),
    'a length over the limit': post('Content-Length: 1048577\r\n', ' '.repeat(1_048_577)),
    'a length over the limit, and no body': post('Content-Length: 999999999999\r\n', ''),
    'a compressed body': post(`Content-Encoding: gzip\r\nContent-Length: ${gzipSync('{}').length}\r\n`, gzipSync('{}')),
    'an encoding of no standard': post('Content-Encoding: nonsense\r\nContent-Length: 2\r\n', '{}'),
    'Expect of something else': post('Expect: the-unexpected\r\nContent-Length: 3\r\n', '{]}'),
    'an upgrade': get('/nothing', `${host}Upgrade: websocket\r\n`),
    'a reason of bytes': post('X-Reason: \xff\xfe\r\nContent-Length: 3\r\n', '{]}'),
    'two confirmations': post('X-Confirm: true\r\nContent-Length: 2\r\n', '{}'),
    'two keys': Buffer.from(
      `POST ${paths.prune} HTTP/1.1\r\n${host}X-API-KEY: no\r\n${auth}Content-Length: 2\r\n\r\n{}`,
    ),
  }
}
