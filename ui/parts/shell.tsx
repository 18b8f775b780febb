import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { scopeText } from '../../shared/access/scope-text.ts'
import { type Problem, problemOf } from '../api/problem.ts'
import { logOut } from '../api/session.ts'
import { type Section, sections } from '../screens/all.tsx'
import { can, engines, whyClosed } from '../state/engine.ts'
import { overview } from '../state/overview.ts'
import { caller, hasPlans, may, otherVersion, profile } from '../state/session.ts'
import { nextTheme, theme } from '../state/theme.ts'
import { Button, Link } from './controls.tsx'
import { Domains } from './domains.tsx'
import { Name } from './name.tsx'
import { ProblemNote } from './problem.tsx'
import { Search } from './search.tsx'

/** Goes to the content without another entry of the browser's history, which would not have what this one keeps. */
const skip = (event: Event) => {
  event.preventDefault()
  document.getElementById('content')?.focus()
}

/** The control that had the focus last. */
let focused: EventTarget | null = null
/** The control that had the focus may be gone with what it did: the content takes its place, so that a keyboard and a reader go on there. */
const keepFocus = () => {
  if (!(focused instanceof Node) || focused.isConnected) return
  focused = null
  if (document.activeElement === document.body) document.getElementById('content')?.focus({ preventScroll: true })
}
new MutationObserver(keepFocus).observe(document.body, { childList: true, subtree: true })

/** What is around every screen: where one is, who one is, and the way out. */
export function Shell({ at, children }: { at: Section | undefined; children: ComponentChildren }) {
  const who = caller.value
  const [problem, setProblem] = useState<Problem>()
  const leave = () => {
    setProblem(undefined)
    logOut().catch((error: unknown) => setProblem(problemOf(error)))
  }
  return (
    <div
      class="shell"
      onFocusIn={({ target }) => {
        focused = target
      }}
    >
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to a place of this page, and is the first link of it */}
      <a class="skip" href="#content" onClick={skip}>
        Skip to the content
      </a>
      <header class="side">
        <Link to="/" class="brand">
          jobsctl
        </Link>
        <nav aria-label="Screens">
          {sections.map(
            ({ name, to, label, needs, verb }) =>
              may(needs) &&
              can(verb) &&
              (name !== 'plans' || hasPlans.value) && (
                <Link key={name} to={to} current={name === at}>
                  {label}
                  {name === 'failures' && <Failing />}
                </Link>
              ),
          )}
        </nav>
        <div class="who">
          {who && (
            <span class="faint" title={`${who.name}, ${who.id}`}>
              <Name of={who.principal} /> · {who.role}
            </span>
          )}
          <Button class="quiet" onClick={nextTheme}>
            Theme: {theme.value}
          </Button>
          <Button class="quiet" onClick={leave}>
            Log out
          </Button>
        </div>
      </header>
      <section class="top" aria-label="Where you are">
        <Search />
        <Chips />
      </section>
      <main id="content" tabIndex={-1}>
        <Domains />
        {whyClosed().map((why) => (
          <p key={why} class="note care" role="status">
            {why}
          </p>
        ))}
        {otherVersion.value !== undefined && (
          <p class="note care" role="status">
            The server has another version now ({otherVersion.value}).{' '}
            <Button onClick={() => location.reload()}>Reload</Button>
          </p>
        )}
        {problem && (
          <>
            <p class="note care">You may still be logged in.</p>
            <ProblemNote problem={problem} onRetry={leave} />
          </>
        )}
        {children}
      </main>
    </div>
  )
}

/** How many queues fail, beside the screen that says why. */
function Failing() {
  const failing = overview.value?.failing_queues ?? 0
  if (failing === 0) return null
  return (
    <b class="bad count">
      {failing.toLocaleString('en')}
      <span class="hidden"> {failing === 1 ? 'queue fails' : 'queues fail'}</span>
    </b>
  )
}

/** Roles whose tokens change things, where the dashboard does not forbid it. */
const changing: readonly string[] = ['operator', 'admin', 'legacy-admin']

/** Where one is, and what one may: the database and its engines, the scope of the token, a dashboard that only reads, a freeze. */
function Chips() {
  const who = caller.value
  const now = overview.value
  const names = [...new Set(engines.value.map(({ engine }) => engine))].filter((name) => name !== 'own')
  const isLooking = engines.value.length > 0 && engines.value.every(({ mode }) => mode === 'look')
  return (
    <div class="chips">
      {now && (
        <span
          class="chip"
          title={`${profile.value === undefined ? 'T' : 'The profile, t'}he database, and the engines whose jobs it has`}
        >
          {profile.value !== undefined && (
            <>
              <b>
                <Name of={profile.value} />
              </b>{' '}
              ·{' '}
            </>
          )}
          {[now.database, ...names].join(' · ')}
        </span>
      )}
      {who?.scope && <span class="chip">{scopeText(who.scope)} only</span>}
      {who && changing.includes(who.role) && !may('change') && (
        <span class="chip care" title="JOBS_UI=read: make changes by jobsctl">
          read only
        </span>
      )}
      {isLooking && <span class="chip care">looks only</span>}
      {now?.frozen && (
        <span class="chip care" title={now.frozen.reason}>
          frozen by {now.frozen.by}
        </span>
      )}
    </div>
  )
}
