import { Failure } from '../../../shared/errors.ts'

/** The failure of a login, or of a token of the provider, while the provider does not answer. */
export const providerUnavailable = (retryAfter: number, cause?: unknown): Failure =>
  new Failure('sign_on_unavailable', 'the provider of single sign-on cannot be reached; nothing was changed', {
    ...{ hint: 'tokens of jobs-server work on; the log of the server says why', retryAfter, cause },
  })
