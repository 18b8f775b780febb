import { isLoopbackHost } from '../../env/public-url.ts'

const timeoutMs = 5000
const mostBytes = 512 * 1024

/**
 * Fetches a small document of JSON: by https, or by http from this machine; no redirect is followed.
 * @throws Error
 */
export async function fetchJson(url: string): Promise<unknown> {
  const { protocol, host } = new URL(url)
  if (protocol !== 'https:' && !isLoopbackHost(host)) throw new Error(`${url} is not https`)
  // One limit for both attempts: a provider that hangs is not asked again.
  const signal = AbortSignal.timeout(timeoutMs)
  const get = () =>
    fetch(url, {
      redirect: 'error',
      signal,
      headers: { accept: 'application/json' },
    })
  // A connection that was kept open is broken after a restart of the provider, and the next one is new.
  const response = await get().catch(get)
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`)
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > mostBytes) throw new Error(`${url} answered more than ${mostBytes} bytes`)
  }
  return JSON.parse(text)
}
