import type { Deadline } from '../../sdk/call/deadline.ts'
import { Failure } from '../../shared/errors.ts'
import { interrupted } from '../io.ts'
import { proxyName } from '../settings/proxy.ts'
import type { Target } from '../settings/target.ts'
import { systemMessage } from '../system.ts'
import { isUnsent } from './connection.ts'
import { failureOfTunnel, hintOnProxy } from './proxy-errors.ts'

interface Attempt {
  target: Target
  changing: boolean
  signal: AbortSignal
  deadline: Deadline
  wholeMs: number
}

/** What a change that lost its answer leaves open. */
export const unanswered = 'the server may still finish it'

/** The failure of a call without a complete answer: interrupted, timed out, or not connected. */
export function failureOfConnection(error: unknown, attempt: Attempt): Failure {
  const { target, changing, signal, deadline, wholeMs } = attempt
  const { url, proxy } = target
  const server = target.name
  const lost = changing && !isUnsent(error)
  const outcome = lost ? `; ${unanswered}` : ''
  if (error instanceof Failure) return error
  if (signal.aborted) return interrupted(signal, outcome)
  if (deadline.isOver()) {
    const late = deadline.isOfSilence() ? `${server} sent nothing for` : `no answer from ${server} within`
    return new Failure('timed_out', `${late} ${wholeMs / 1000} s${outcome}`, {
      ...(!lost && { hint: 'raise --timeout (with --fleet: --profile-timeout), or run the command again later' }),
      cause: error,
    })
  }
  const refused = proxy && failureOfTunnel(error, { url, proxy })
  if (refused) return refused
  const cause = error instanceof Error ? error : new Error(String(error))
  const code = codeOf(cause)
  const way = proxy ? ` through the proxy ${proxyName(proxy)}` : ''
  return new Failure('unreachable', `cannot reach ${server}${way}: ${reasonOf(code)}${outcome}`, {
    ...(!lost && { hint: hintOn(code, target) }),
    cause: error,
  })
}

/** The other side ended the connection. Node has the code of a reset for it, without the system call that a reset has. */
const closed = 'UND_ERR_SOCKET'

/** The code of an error of a connection; one code for all that is no HTTP. */
function codeOf(cause: Error): string {
  const code = 'code' in cause && cause.code !== undefined ? String(cause.code) : cause.name
  if (code === 'ECONNRESET' && !('syscall' in cause)) return closed
  return code.startsWith('HPE_') || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' ? 'HTTPParserError' : code
}

const caHint =
  "set ca_file in the profile, or NODE_EXTRA_CA_CERTS, to a file with the certificate of the server's certificate authority"
const certificateHints = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', caHint],
  ['SELF_SIGNED_CERT_IN_CHAIN', caHint],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', caHint],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', caHint],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'use the host name in the certificate for --url'],
  ['CERT_HAS_EXPIRED', 'renew the certificate of the server'],
  ['CERT_NOT_YET_VALID', 'check the clock of this machine'],
])
const protocolHints = new Map([
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'write http:// in place of https:// where you trust the network'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'write http:// in place of https:// where you trust the network'],
  ['EPROTO', 'write http:// in place of https:// where you trust the network'],
  ['HTTPParserError', 'write https:// in place of http:// if the port is an https port'],
])
const doctorHint = 'run jobsctl doctor to find the cause'
const ownServerHint = 'the server that this command had started has ended; the same command with --debug shows its log'

/** A port that expects TLS closes a connection with plain HTTP, often without a word. */
function hintOn(code: string, { url, proxy, socketPath, otherWay }: Target): string {
  if (socketPath !== undefined) return ownServerHint
  if (otherWay !== undefined) return `${doctorHint}; ${otherWay}`
  const ofCertificate = certificateHints.get(code)
  if (ofCertificate) return ofCertificate
  if (proxy) return hintOnProxy({ url, proxy })
  const mayExpectTls = url.protocol === 'http:' && (code === closed || code === 'ECONNRESET')
  if (mayExpectTls) return `${doctorHint}, and write https:// in place of http:// if the port is an https port`
  return protocolHints.get(code) ?? doctorHint
}

const reasons = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'the connection was reset'],
  ['ENOTFOUND', 'the name is not known'],
  ['EAI_AGAIN', 'the name cannot be looked up now'],
  ['ETIMEDOUT', 'no connection in time'],
  [closed, 'the connection broke'],
  ['HTTPParserError', 'the answer is not HTTP'],
  ['UND_ERR_HEADERS_OVERFLOW', 'its answer has more than 64 KiB of headers'],
  ['EPROTO', 'TLS failed; the port may speak http'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'the port speaks http, and https was expected'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'the port speaks http, and https was expected'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is signed by itself'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate authority is not known to this machine'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate authority is not known to this machine'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate authority is not known to this machine'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another host name'],
  ['CERT_NOT_YET_VALID', 'its certificate is not valid yet'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['UND_ERR_PRX_TLS', 'the certificate of the proxy is for another host name'],
])

/** The cause in plain words; codes without words here have them from the system, or stay codes. */
const reasonOf = (code: string): string => reasons.get(code) ?? systemMessage(code) ?? code
