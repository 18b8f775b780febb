/** Codes of failures before a request has left: no connection, and no name of the server. */
const unconnected = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT)$/

/** Codes of a certificate that this side refuses, which it does before it sends anything. */
const certificates =
  /^((CERT|CRL|UNABLE_TO|ERROR_IN)_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|INVALID_(CA|PURPOSE)|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_(INVALID|FORMAT))$/

/** Codes of a TLS handshake that failed. EPROTO and codes of broken records are not here, since they also come after a request was sent. */
const handshakes =
  /^(ERR_TLS_HANDSHAKE_TIMEOUT|ERR_SSL_(WRONG_VERSION_NUMBER|UNSUPPORTED_PROTOCOL|\w+_ALERT_(HANDSHAKE_FAILURE|PROTOCOL_VERSION)|TLSV1_UNRECOGNIZED_NAME))$/

/** True for the code of a failure after which the server has seen nothing of the request, so that it may be sent again. */
export const isNeverSent = (code: string): boolean =>
  [unconnected, certificates, handshakes].some((pattern) => pattern.test(code))
