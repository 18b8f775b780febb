import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** What is left of a run when it ends, and must go. */
export interface Guardian {
  /** Network namespaces that are removed with the rest. */
  guard: (namespace: string) => void
  /** Ends all processes that work in the folder. */
  end: () => Promise<void>
}

/**
 * Waits until its standard input ends: when this process says so, or ends by whatever signal. Patroni goes first, since it
 * would start PostgreSQL again; a postmaster that ends by SIGQUIT takes its shared memory with it. Processes are known by
 * their working folder.
 */
const script = `
while read -r namespace; do namespaces="$namespaces $namespace"; done
within() { find /proc -maxdepth 2 -name cwd -lname "$1" 2>/dev/null | cut -d/ -f3; }
tell() { for pid in $(within "$2"); do kill "-$1" "$pid" 2>/dev/null; done; }
for pid in $(within "$0" && within "$0/*"); do
  case $(readlink "/proc/$pid/cwd") in */data | */data/*) ;; *) kill -KILL "$pid" 2>/dev/null ;; esac
done
tell CONT "$0/*"
tell QUIT "$0/*"
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  [ -z "$(within "$0/*")" ] && break
  sleep 0.2
done
tell KILL "$0/*"
for namespace in $namespaces; do ip netns del "$namespace"; done`

/** Starts a process that cleans up after this one. */
export function startGuardian(folder: string): Guardian {
  // Detached: an interrupt from the keyboard must reach it through its input alone.
  const child = spawn('sh', ['-c', script, folder], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const gone = once(child, 'exit')
  return {
    guard: (namespace) => void child.stdin.write(`${namespace}\n`),
    async end() {
      child.stdin.end()
      await gone
    },
  }
}
