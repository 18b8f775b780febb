import { hostname, userInfo } from 'node:os'

/** Who runs this program, as `user@host`, for what is recorded of a command. */
export function operatorName(): string {
  return `${user()}@${hostname()}`
}

function user(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown') // the user of a container may have no name
  }
}
