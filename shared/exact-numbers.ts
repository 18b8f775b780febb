/** A fast test: true for every text with a number that JavaScript may change, and false for most other texts. */
const suspicious = /[\d.]{16}|\d[eE][+-]?\d{3}/

/** A string, which is skipped, or a number. */
const token = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

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
  for (const [found] of text.matchAll(token)) if (!found.startsWith('"') && wanted(found)) return found
  return undefined
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
  const kept = digits.replace(/0+$/, '')
  return kept === '' ? '' : `${sign}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`
}

/** The JSON text in which every number that JavaScript would change is replaced by what `write` makes of it. */
export const replaceInexact = (text: string, write: (number: string) => string): string =>
  text.replaceAll(token, (found) => (found.startsWith('"') || isExact(found) ? found : write(found)))
