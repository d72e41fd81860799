/** Random exchanges as HTTP means them: everything that both protocols can say. */
import type {
  ExchangeMessages,
  Interim,
  RequestMessage,
  ResponseMessage,
} from './exchange-message.ts';
import type { Random } from './random.ts';
import type { Field } from './raw-http.ts';

const METHODS = ['GET', 'GET', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'M-X!'];
const STATUSES = [200, 200, 200, 201, 206, 301, 404, 418, 500, 503, 599, 204, 304];
const AUTHORITIES = ['web', 'web:8080', 'Web.Demo', '[::1]:80', ''];
const NAMES = ['accept', 'user-agent', 'date', 'x-request-id', 'traceparent', 'priority', 'via'];
const NAME_LETTERS = "abz019-_.!#$%&'*+^`|~";
const VALUE_LETTERS = 'abc XYZ,;:="<>\\/()[]{}@\t\x80\xe9\xff';
const TARGET_LETTERS = 'abcXYZ019-._~!$&\'()*+,;=:@%2F/?[]{}|^"<>';
const BODY_BYTES_MAX = 200_000;
const BODY = Array.from({ length: BODY_BYTES_MAX }, (_, i) =>
  String.fromCharCode((i * 31 + (i >> 8)) & 0xff),
).join('');

function word(random: Random, letters: string, sizeMax: number): string {
  const size = random.integer(1, sizeMax);
  return Array.from({ length: size }, () => letters[random.integer(0, letters.length - 1)]).join(
    '',
  );
}

const valueOf = (random: Random): string =>
  random.chance(0.1) ? '' : word(random, VALUE_LETTERS, 30).replaceAll(/^[ \t]+|[ \t]+$/g, '');

function fieldsOf(random: Random, countMax: number, prefix: string): Field[] {
  return Array.from({ length: random.integer(0, countMax) }, () => {
    const own = prefix !== '' || random.chance(0.5);
    const name = own ? `${prefix}x-${word(random, NAME_LETTERS, 10)}` : random.pick(NAMES);
    return [name, valueOf(random)];
  });
}

function bodyOf(random: Random): string {
  const kind = random.unit();
  const most = kind < 0.6 ? 300 : kind < 0.95 ? 20_000 : BODY_BYTES_MAX;
  const size = random.integer(0, most);
  const from = random.integer(0, BODY_BYTES_MAX - size);
  return BODY.slice(from, from + size);
}

/** How a body goes out: `announced` has a length and trailers, which HTTP/1.1 cannot say. */
type Way = 'none' | 'length' | 'unknown' | 'announced';

interface Body {
  readonly body: string;
  readonly length: string | undefined;
  readonly trailers: readonly Field[];
  /** The Trailer field. */
  readonly more: readonly Field[];
}

function contentOf(random: Random, way: Way): Body {
  const body = way === 'none' ? '' : bodyOf(random);
  const length = way === 'length' || way === 'announced' ? `${body.length}` : undefined;
  const may = way === 'announced' || (way === 'unknown' && random.chance(0.4));
  const trailers = may ? fieldsOf(random, 3, 't-') : [];
  const names = trailers.map(([name]) => name).join(', ');
  const more: Field[] = way === 'announced' ? [['trailer', names === '' ? 'none' : names]] : [];
  return { body, length, trailers, more };
}

/** A place among `fields` for each of `more`. */
function mixed(random: Random, fields: readonly Field[], more: readonly Field[]): Field[] {
  const all = [...fields];
  for (const field of more) all.splice(random.integer(0, all.length), 0, field);
  return all;
}

const cookies = (random: Random): Field[] =>
  Array.from({ length: random.pick([0, 0, 0, 1, 3]) }, () => [
    'cookie',
    `${random.integer(0, 9)}=x`,
  ]);

function requestOf(random: Random, id: number, ways: readonly Way[]): RequestMessage {
  const method = random.pick(METHODS);
  const asterisk = method === 'OPTIONS' && random.chance(0.3);
  const query = random.chance(0.5) ? word(random, TARGET_LETTERS, 60) : '';
  const seldom = method === 'GET' || method === 'HEAD';
  const way = seldom && random.chance(0.8) ? 'none' : random.pick(ways);
  const { more, ...content } = contentOf(random, way);
  const fields = mixed(random, fieldsOf(random, 8, ''), [...cookies(random), ...more]);
  return {
    method,
    path: asterisk ? '*' : `/${id}/${query}`,
    authority: random.pick(AUTHORITIES),
    te: random.chance(0.3),
    ...content,
    fields: [['x-id', `${id}`], ...fields],
  };
}

const interimOf = (random: Random): Interim => [
  random.pick([100, 102, 103, 199]),
  fieldsOf(random, 2, ''),
];

function responseOf(random: Random, method: string, ways: readonly Way[]): ResponseMessage {
  const status = random.pick(STATUSES);
  const bodiless = method === 'HEAD' || status === 204 || status === 304;
  const { more, ...content } = contentOf(random, bodiless ? 'none' : random.pick(ways));
  const told = bodiless && random.chance(0.5);
  const length = status === 204 ? '0' : `${random.integer(0, 99_999)}`;
  const setCookies: Field[] = random.chance(0.2)
    ? [
        ['set-cookie', 'a=b'],
        ['set-cookie', 'c'],
      ]
    : [];
  return {
    status,
    interim: random.chance(0.2) ? [interimOf(random), interimOf(random)] : [],
    ...content,
    length: told ? length : content.length,
    fields: mixed(random, fieldsOf(random, 8, ''), [...setCookies, ...more]),
  };
}

/** The exchange `id`, as ends of `protocol` can say it. */
export function randomExchange(
  random: Random,
  id: number,
  protocol: 'http1' | 'http2',
): ExchangeMessages {
  const both: readonly Way[] = ['none', 'length', 'unknown'];
  const ways: readonly Way[] = protocol === 'http2' ? [...both, 'announced'] : both;
  const request = requestOf(random, id, ways);
  return { request, response: responseOf(random, request.method, ways) };
}
