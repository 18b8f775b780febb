import * as z from 'zod'

/** How the element looks that has the focus. */
export const FocusLook = z.object({
  /** The element: its tag, its text and its place in the page; `BODY` where nothing has the focus. */
  stop: z.string(),
  /** The tag of what lies over its middle, such as a head that stays in place. */
  over: z.nullable(z.string()),
  /** The tags of the elements around it that cut its ring off. */
  cutBy: z.array(z.string()),
  /** The style of its ring. */
  ring: z.string(),
})

/** Runs in the page, and gives a `FocusLook`. */
export const focusLook = `(() => {
  const focused = document.activeElement
  if (!focused || focused === document.body) return { stop: 'BODY', over: null, cutBy: [], ring: 'none' }
  const { left, top, right, bottom, width, height } = focused.getBoundingClientRect()
  const there = document.elementFromPoint(left + width / 2, top + height / 2)
  const style = getComputedStyle(focused)
  const reach = parseFloat(style.outlineOffset) + parseFloat(style.outlineWidth)
  const cutBy = []
  for (let box = focused.parentElement; box !== document.body; box = box.parentElement) {
    const cut = box.getBoundingClientRect()
    const room = Math.min(left - cut.left, top - cut.top, cut.right - right, cut.bottom - bottom)
    if (getComputedStyle(box).overflow !== 'visible' && room < reach - 1) cutBy.push(box.tagName)
  }
  return {
    stop: [focused.tagName, focused.textContent.slice(0, 40), Math.round(left), Math.round(scrollY + top)].join(' '),
    over: there && !focused.contains(there) && !there.contains(focused) ? there.tagName : null,
    cutBy,
    ring: style.outlineStyle,
  }
})()`
