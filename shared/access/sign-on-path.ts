/** Where a browser begins a login by single sign-on. It is a page, and no endpoint of the API. */
export const signOnPath = '/api/v1/session/sign-on'
