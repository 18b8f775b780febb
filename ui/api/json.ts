/** A number that would lose digits as a number of JavaScript, as the server wrote it. */
class ExactNumber {
  readonly digits: string
  constructor(digits: string) {
    this.digits = digits
  }
  toString(): string {
    return this.digits
  }
  toJSON(): unknown {
    return JSON.rawJSON?.(this.digits) ?? Number(this.digits)
  }
}

/**
 * Parses JSON of the server. Numbers of payloads keep their digits, in browsers that tell the source text of a value.
 * @throws SyntaxError for a text that is not JSON
 */
export function parseJson(text: string): unknown {
  return JSON.parse(
    text,
    function keepDigits(this: unknown, _key: string, value: unknown, context?: { source?: string }) {
      const source = context?.source
      return typeof value === 'number' && source !== undefined && String(value) !== source
        ? new ExactNumber(source)
        : value
    },
  )
}
