import { useEffect, useState } from 'preact/hooks'

/** A button that copies a text, and says that it has. */
export function Copy({ text, children }: { text: string; children: string }) {
  const [said, setSaid] = useState('')
  useEffect(() => {
    if (said === '') return
    const timer = setTimeout(() => setSaid(''), 2000)
    return () => clearTimeout(timer)
  }, [said])
  const copy = () => {
    // A page that came over plain HTTP from another machine has no clipboard.
    const copied = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error('no clipboard'))
    copied.then(
      () => setSaid('Copied'),
      () => setSaid('This browser does not let the page copy'),
    )
  }
  return (
    <>
      <button type="button" class="quiet" onClick={copy}>
        {children}
      </button>
      <span class="faint" role="status">
        {said}
      </span>
    </>
  )
}
