const { dataset } = document.documentElement

/** The base path of the server as browsers see it, without a slash at its end: `/jobs`, or nothing. */
export const base = dataset.base ?? ''

/** The version of the server that sent this page. */
export const build = dataset.version ?? ''
