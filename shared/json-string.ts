/**
 * Where a string of a JSON text ends: the index after its closing quote, or the length of a text that breaks off within it.
 * A regular expression would need a step of V8's stack for each escape, and a string of millions of them overflows it.
 * @param start the index of the opening quote
 */
export function endOfString(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    let escapes = quote
    while (json.charCodeAt(escapes - 1) === backslash) escapes--
    if ((quote - escapes) % 2 === 0) return quote + 1
  }
  return json.length
}

const backslash = 92
