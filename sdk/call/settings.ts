/** The `fetch` of the platform, or a function of the same shape, such as one with its own certificates. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Which server, and who calls. */
export interface ClientOptions {
  /** The root of the server, with its base path where it has one: `https://jobs.example.com`. */
  url: string | URL
  /** The key of a single-user server. */
  apiKey?: string | undefined
  /** The token of a multi-user server. */
  token?: string | undefined
  /** The deadline of a call with its repetitions and its whole answer, in milliseconds; 30,000 when absent. */
  timeoutMs?: number | undefined
  /** How often a call is repeated that failed for a moment and changed nothing; 2 when absent. */
  retries?: number | undefined
  /** The longest answer in bytes; 256 MiB when absent. */
  maxResponseBytes?: number | undefined
  /** In place of the `fetch` of the platform. */
  fetch?: Fetch | undefined
}

/** The names of the options. */
export const clientOptions: Record<keyof ClientOptions, true> = {
  url: true,
  apiKey: true,
  token: true,
  timeoutMs: true,
  retries: true,
  maxResponseBytes: true,
  fetch: true,
}

/** @throws TypeError for an option that is not known, such as a misspelt one, which would be without effect */
export function requireKnown(options: object, known: Readonly<Record<string, true>>): void {
  for (const name of Object.keys(options))
    if (!Object.hasOwn(known, name))
      throw new TypeError(`there is no option ${JSON.stringify(name)}; there are ${Object.keys(known).join(', ')}`)
}

export const defaultTimeoutMs = 30_000

/** The options as the calls need them. */
export interface Settings {
  /** The URL without a slash at its end. */
  base: string
  /** The header with the credentials; empty without them. */
  credentials: Readonly<Record<string, string>>
  /** The text without the key or token, which a server may echo. */
  redact: (text: string) => string
  timeoutMs: number
  retries: number
  maxResponseBytes: number
  fetch: Fetch
}

/**
 * Checks the options of a client.
 * @throws TypeError that names the option and never repeats its value
 */
export function settingsOf(options: ClientOptions): Settings {
  const {
    url,
    apiKey,
    token,
    timeoutMs = defaultTimeoutMs,
    retries = 2,
    maxResponseBytes = 256 * 2 ** 20,
    fetch,
  } = options
  if (apiKey !== undefined && token !== undefined) throw new TypeError('give apiKey or token, and not both')
  if (apiKey !== undefined) requireSecret('apiKey', apiKey)
  if (token !== undefined) requireSecret('token', token)
  requireNumber('timeoutMs', timeoutMs, 1, 2 ** 31 - 1)
  requireNumber('retries', retries, 0, 100)
  requireNumber('maxResponseBytes', maxResponseBytes, 1, 2 ** 29)
  const secret = apiKey ?? token
  return {
    base: baseOf(url),
    credentials: {
      ...(apiKey !== undefined && { 'X-API-KEY': apiKey }),
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    },
    redact: secret === undefined ? (text) => text : redactorOf(secret),
    timeoutMs,
    retries,
    maxResponseBytes,
    fetch: fetch ?? ((to, init) => globalThis.fetch(to, init)),
  }
}

/** Masks a secret, also as JSON writes it. */
function redactorOf(secret: string): (text: string) => string {
  const inJson = JSON.stringify(secret).slice(1, -1)
  return (text) => text.replaceAll(secret, '***').replaceAll(inJson, '***')
}

/** A header takes these characters; the platform would repeat others in its error. */
function requireSecret(name: string, secret: unknown): void {
  if (typeof secret !== 'string' || !/^[\x21-\x7e]+$/.test(secret))
    throw new TypeError(`${name} must be a text of printable ASCII characters without spaces`)
}

/** @throws TypeError that names the option */
export function requireNumber(name: string, value: unknown, least: number, most: number): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least || value > most)
    throw new TypeError(`${name} must be a number from ${least} to ${most}`)
}

function baseOf(given: string | URL): string {
  const url = URL.canParse(String(given)) ? new URL(given) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new TypeError('url must be an address such as https://jobs.example.com')
  if (url.username !== '' || url.password !== '') throw new TypeError('url must not have a name or a password')
  if (url.search !== '' || url.hash !== '') throw new TypeError('url must not have a query or a fragment')
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}
