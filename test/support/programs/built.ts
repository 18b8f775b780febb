import { builtPrograms } from '../run/shared.ts'
import { programs, startBuilt } from './dist.ts'

// A test file that imports this file needs the build, and no other test file waits for one.
await builtPrograms()

/** The built programs, as they are shipped. */
export const built = programs

/** Starts the built server in this process, on a free port; `log` is given each line of its log. */
export const startServer = startBuilt
