/** What a person has done at the provider: the last URL, to which the provider sends the browser. */
export type Returned = string

/**
 * Logs in at the provider as somebody with a browser of their own: fills in its forms until it sends the browser back to `returnsTo`.
 * @throws Error where the provider does something else
 */
export async function logInAt(
  start: string,
  { name, returnsTo }: { name: string; returnsTo: string },
): Promise<Returned> {
  const cookies = new Map<string, string>()
  let url = start
  let body: URLSearchParams | undefined
  for (let step = 0; step < 20; step++) {
    const cookie = [...cookies].map(([key, value]) => `${key}=${value}`).join('; ')
    const response = await fetch(url, {
      method: body ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie },
      ...(body && { body }),
    })
    for (const set of response.headers.getSetCookie()) {
      const [pair = ''] = set.split(';')
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    body = undefined
    const location = response.headers.get('location')
    if (location) {
      url = new URL(location, url).href
      if (url.startsWith(returnsTo)) return url
      continue
    }
    const html = await response.text()
    const prompt = /name="prompt" value="(\w+)"/.exec(html)?.[1]
    if (!prompt) throw new Error(`the provider answered ${response.status} at ${url}: ${html.slice(0, 500)}`)
    body = new URLSearchParams({ prompt, login: name, password: 'any' })
  }
  throw new Error('the provider asks without end')
}
