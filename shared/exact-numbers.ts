/** What could be changed, told cheaply: most texts have no such number. */
const suspicious = /[\d.]{16}|[eE][+-]?\d{3}/

/** A string, which is passed over, or a number. */
const token = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * The first number of a JSON text that JavaScript would change into another: an integer beyond its precision, or what
 * is no number to it at all. Digits of a fraction beyond its precision are no other number, as in any program.
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

/** A fraction of which only the last digits are lost. */
function isRounded(number: string): boolean {
  const size = Math.abs(Number(number))
  return size > 0 && size < Number.MAX_SAFE_INTEGER && !/^-?\d+(?:\.0+)?$/.test(number)
}

/** The digits of a number, without zeros around them, and the power of ten of the last one. */
function canonical(number: string): string {
  const [, sign, whole = '', fraction = '', exponent = 0] = /^(-?)(\d+)(?:\.(\d+))?(?:e(.+))?$/i.exec(number) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const kept = digits.replace(/0+$/, '')
  return kept === '' ? '' : `${sign}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`
}
