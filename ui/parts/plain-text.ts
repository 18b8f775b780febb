import { type ComponentChildren, createElement, Fragment, options } from 'preact'
import { escaped } from '../../shared/text/escape.ts'

/** Letters that are written from right to left. */
const letter = '[\\u0590-\\u08ff\\ufb1d-\\ufdff\\ufe70-\\ufefc\\u{10800}-\\u{10fff}\\u{1e800}-\\u{1efff}]'
/** Words of such letters, with what stands between them. */
const fromRight = new RegExp(`(${letter}(?:[^\\p{L}\\p{N}]*${letter})*)`, 'u')

/** Attributes that a browser shows, or reads to somebody. */
const spoken = ['title', 'aria-label', 'placeholder'] as const
/** Elements that have text alone. */
const ofText: readonly unknown[] = ['title', 'text', 'option']

/** A text of anybody as the terminal shows it; a text of several lines keeps them. */
const plain = (text: string, hasLines: boolean): string =>
  hasLines
    ? text
        .split(/([\n\t]+)/)
        .map((part, at) => (at % 2 ? part : escaped(part)))
        .join('')
    : escaped(text)

/** Words that are written from right to left stand apart: they do not turn round what is beside them. */
const apart = (text: string): ComponentChildren =>
  fromRight.test(text)
    ? text.split(fromRight).map((part, at) => (at % 2 ? createElement('bdi', null, part) : part))
    : text

function shown(children: ComponentChildren, type: unknown): ComponentChildren {
  if (Array.isArray(children)) return children.map((child) => shown(child, type))
  if (typeof children !== 'string') return children
  const text = plain(children, type === 'pre')
  return type === 'bdi' || ofText.includes(type) ? text : apart(text)
}

/**
 * Makes every text and every attribute of the page plain that anybody may have written: characters that reorder text or hide in it are
 * shown by their codes, by the rule of the terminal. It is done where elements are made, so that no screen can leave it out.
 */
export function showPlainText(): void {
  const before = options.vnode
  options.vnode = (vnode) => {
    const { type } = vnode
    if (typeof type === 'string' || type === Fragment) {
      const props: Record<string, unknown> & { children?: ComponentChildren } = vnode.props
      // The value of an option is its text, where it has no other.
      if (type === 'option' && props.value === undefined) props.value = props.children
      if (props.children !== undefined) props.children = shown(props.children, type)
      for (const name of spoken) {
        const text = props[name]
        if (typeof text === 'string') props[name] = escaped(text)
      }
    }
    before?.(vnode)
  }
}
