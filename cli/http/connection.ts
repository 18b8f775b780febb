import { setFlagsFromString } from 'node:v8'
import type { Dispatcher } from 'undici'
import HttpClient from 'undici/lib/dispatcher/client.js'
import type { Target } from '../settings/target.ts'

/** In bytes. Proxies add headers of their own, and Node's default of 16 KiB is for servers that anybody may call. */
const largestHeaders = 65_536

/**
 * A connection to a server, opened at its first use. Node's TLS is imported for certificates of a profile; undici imports it for https.
 * `connectTimeout` is in milliseconds; each call has its own deadline.
 */
export async function connection({ url, ca }: Target, connectTimeout: number): Promise<Dispatcher> {
  // undici parses HTTP with WebAssembly. V8's optimising tier takes longer than a whole call, and Node waits for it at exit.
  setFlagsFromString('--wasm-tiering-budget=1000000000')
  return new HttpClient(url.origin, {
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: largestHeaders,
    connectTimeout,
    ...(ca !== undefined && { connect: { ca: await certificatesWith(ca), timeout: connectTimeout } }),
  })
}

/** The certificates that Node trusts, and those of the profile. */
async function certificatesWith(ca: string): Promise<string[]> {
  const { rootCertificates } = await import('node:tls')
  return [...rootCertificates, ca]
}
