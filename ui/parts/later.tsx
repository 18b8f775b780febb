import type { FunctionComponent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Problem } from '../api/problem.ts'
import { build } from '../state/page.ts'
import { ProblemNote } from './problem.tsx'

/**
 * A screen whose code is loaded when it is opened.
 * @param load imports it
 * @param Room stands in its place meanwhile
 */
export function later<Props extends object>(
  load: () => Promise<FunctionComponent<Props>>,
  Room?: FunctionComponent,
): FunctionComponent<Props> {
  let Screen: FunctionComponent<Props> | undefined
  return function Later(props) {
    const [isMissing, setMissing] = useState(false)
    const [, setLoaded] = useState(Screen !== undefined)
    useEffect(() => {
      load().then(
        (screen) => {
          Screen = screen
          setLoaded(true)
        },
        () => reloadsOnce() || setMissing(true),
      )
    }, [])
    if (Screen) return <Screen {...props} />
    if (isMissing) return <ProblemNote problem={notThere} onRetry={() => location.reload()} />
    return Room ? <Room /> : null
  }
}

/** Loads the page of the version that the server has now, once for each version of this page. Returns whether it does. */
function reloadsOnce(): boolean {
  const key = 'jobsctl-reloaded'
  try {
    if (sessionStorage.getItem(key) === build) return false
    sessionStorage.setItem(key, build)
  } catch {
    return false
  }
  location.reload()
  return true
}

/** After an update the server has the files of its own version alone. */
const notThere = new Problem({ detail: 'The server has not sent this screen.', hint: 'Load the page again.' }, 0)
