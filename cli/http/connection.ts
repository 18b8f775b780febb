import { rootCertificates } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import type { Dispatcher } from 'undici'
import HttpClient from 'undici/lib/dispatcher/client.js'
import type { Target } from '../settings/target.ts'

/** A connection to a server, opened at its first use. `connectTimeout` is in milliseconds; each call has its own deadline. */
export function connection({ url, ca }: Target, connectTimeout: number): Dispatcher {
  // undici parses HTTP with WebAssembly. V8's optimising tier takes longer than a whole call, and Node waits for it at exit.
  setFlagsFromString('--wasm-tiering-budget=1000000000')
  return new HttpClient(url.origin, {
    headersTimeout: 0,
    bodyTimeout: 0,
    connectTimeout,
    ...(ca !== undefined && { connect: { ca: [...rootCertificates, ca], timeout: connectTimeout } }),
  })
}
