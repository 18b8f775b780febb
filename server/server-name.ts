import { hostname } from 'node:os'

/** The name of this server for people and other servers: host name and process id. */
export const serverName = `${hostname()}:${process.pid}`
