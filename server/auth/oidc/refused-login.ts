import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { signOnPath } from '../../../shared/access/sign-on-path.ts'
import { Failure } from '../../../shared/errors.ts'

/**
 * The failure of a login that the provider did not confirm. What the provider says is for the log: its words may be from the author of a
 * forged link, and are no longer than 200 characters there.
 */
export function refusedLogin(cause: unknown): Failure {
  if (isClientRefused(cause)) return clientRefused(cause)
  const isRefusal =
    cause instanceof AuthorizationResponseError ||
    cause instanceof ResponseBodyError ||
    (cause instanceof ClientError && cause.code !== 'OAUTH_TIMEOUT')
  if (!isRefusal) return providerUnavailable(5, cause)
  return new Failure('forbidden', 'the provider of single sign-on did not confirm the login; you are not logged in', {
    hint: `begin again: ${signOnPath}; the log of the server says why`,
    cause: cause instanceof ClientError ? cause : new Error(`the provider says ${wordsOf(cause)}`, { cause }),
  })
}

/** The provider answers so where it knows no such client, or its secret is another one: the person who logs in cannot mend it. */
const isClientRefused = (cause: unknown): cause is WWWAuthenticateChallengeError | ResponseBodyError =>
  cause instanceof WWWAuthenticateChallengeError ||
  (cause instanceof ResponseBodyError && ['invalid_client', 'unauthorized_client'].includes(cause.error))

function clientRefused(cause: WWWAuthenticateChallengeError | ResponseBodyError): Failure {
  const said = cause instanceof ResponseBodyError ? wordsOf(cause) : challengesOf(cause)
  const what = 'the provider of single sign-on refuses the client id or the client secret of this server'
  return new Failure('sign_on_unavailable', `${what}; you are not logged in`, {
    hint: 'the administrator of the server mends the file of JOBS_OIDC_CLIENT_SECRET_FILE and sends SIGHUP, or mends JOBS_OIDC_CLIENT_ID and restarts the server; tokens of jobs-server work on',
    retryAfter: 60,
    cause: new Error(`${what} (JOBS_OIDC_CLIENT_ID, JOBS_OIDC_CLIENT_SECRET_FILE): HTTP ${cause.status}, ${said}`, {
      cause,
    }),
  })
}

const wordsOf = ({ error, error_description }: { error: string; error_description?: string | undefined }): string =>
  quoted([error, ...(error_description === undefined ? [] : [error_description])].join(': '))

const challengesOf = ({ cause }: WWWAuthenticateChallengeError): string =>
  quoted(cause.map(({ scheme, parameters: { error } }) => `${scheme} ${error ?? ''}`.trim()).join(', '))

const quoted = (text: string): string => JSON.stringify(text.slice(0, 200))

/** The failure of a login, or of a token of the provider, while the provider does not answer. */
export const providerUnavailable = (retryAfter: number, cause?: unknown): Failure =>
  new Failure('sign_on_unavailable', 'the provider of single sign-on cannot be reached; nothing was changed', {
    hint: 'tokens of jobs-server work on; the log of the server says why',
    retryAfter,
    cause,
  })
