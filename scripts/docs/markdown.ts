/** Stands at the top of each generated page; a reader of the rendered page does not see it. */
const notice = '<!-- Made by npm run docs: change the code, not this page. -->'

/** A whole page: its title, and its parts with an empty line between them. */
export const page = (title: string, ...parts: string[]): string => `${[notice, `# ${title}`, ...parts].join('\n\n')}\n`

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')

/** A table of Markdown. `<` and `|` in cells are escaped, but inside of code only `|` is. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cellOf).join(' | ')} |`).join('\n')

const cellOf = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part.replaceAll('|', '\\|') : cell(part)))
    .join('')

/** The text as code in a sentence; nothing stays nothing. */
export const code = (text: string): string => (text === '' ? '' : `\`${text}\``)

/** A block of text as a terminal shows it. */
export const block = (text: string, language = 'text'): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``
