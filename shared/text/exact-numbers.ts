/**
 * A fast test: true for every text with a number that JavaScript may change, and false for most other texts. A number stands behind one
 * of these characters; within strings digits may stand there too, but those of a UUID hardly ever do.
 */
const suspicious = /(?:^|[\s,:[])-?(?:[\d.]{16}|[\d.]+[eE][+-]?\d{3})/

/** The beginning of a string, or a number. */
const token = /"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * The first number of a JSON text that JavaScript would change to another number: an integer beyond its precision, or one
 * that becomes 0 or infinity. A fraction that only loses digits beyond the precision of a double counts as the same number.
 */
export const inexactNumber = (text: string): string | undefined =>
  firstNumber(text, (number) => !isExact(number) && !isRounded(number))

/** True when JavaScript would read a JSON text, and write it again, without changing a digit. */
export const isKeptExactly = (text: string): boolean => firstNumber(text, (number) => !isExact(number)) === undefined

function firstNumber(text: string, wanted: (number: string) => boolean): string | undefined {
  if (!suspicious.test(text)) return undefined
  for (const { number } of numbersOf(text)) if (wanted(number)) return number
  return undefined
}

/** The numbers of a JSON text, and where they stand. Digits within its strings are none. */
function* numbersOf(text: string): Generator<{ number: string; at: number }> {
  const search = new RegExp(token)
  for (let found = search.exec(text); found; found = search.exec(text)) {
    const { 0: number, index: at } = found
    if (number === '"') search.lastIndex = endOfString(text, at)
    else yield { number, at }
  }
}

const isExact = (number: string): boolean => canonical(number) === canonical(String(Number(number)))

/** True for a fraction that only loses its last digits. */
function isRounded(number: string): boolean {
  const size = Math.abs(Number(number))
  return size > 0 && size < Number.MAX_SAFE_INTEGER && !/^-?\d+(?:\.0+)?$/.test(number)
}

/** A text that is the same for equal numbers: the digits without zeros at both ends, and the power of ten of the last digit. */
function canonical(number: string): string {
  const [, sign, whole = '', fraction = '', exponent = 0] = /^(-?)(\d+)(?:\.(\d+))?(?:e(.+))?$/i.exec(number) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const kept = digits.slice(0, endOfDigits(digits))
  return kept === '' ? '' : `${sign}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`
}

/** Where the zeros at the end of a number begin. A regular expression would start over at each zero of a long number. */
function endOfDigits(digits: string): number {
  let end = digits.length
  while (digits[end - 1] === '0') end--
  return end
}

/** The JSON text in which every number that JavaScript would change is replaced by what `write` makes of it. */
export function replaceInexact(text: string, write: (number: string) => string): string {
  const parts: string[] = []
  let written = 0
  for (const { number, at } of numbersOf(text)) {
    if (isExact(number)) continue
    parts.push(text.slice(written, at), write(number))
    written = at + number.length
  }
  return parts.join('') + text.slice(written)
}

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
