import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useState } from 'preact/hooks'

/** Up to this number of rows all are drawn where the table says nothing else: somebody searches them with the browser, and prints them. */
const presetAtOnce = 250
/** Rows that are drawn above and below those that are seen. */
const around = 20

/** Which rows of a table are drawn, from `first` to before `last`, and how high one is, in pixels. */
interface DrawnRows {
  first: number
  last: number
  rowHeight: number
}

/** Draws of more than `atOnce` rows those that are seen in the window, and some around them, as the page is scrolled. A page is printed whole. */
export function useDrawnRows(section: RefObject<HTMLElement | null>, count: number, atOnce = presetAtOnce): DrawnRows {
  const [drawn, setDrawn] = useState<DrawnRows>({ first: 0, last: atOnce, rowHeight: 30 })
  const isWindowed = count > atOnce
  useEffect(() => {
    if (!isWindowed) return
    let isPrinting = false
    const draw = () => {
      const body = section.current?.querySelector('tbody')
      const rows = body?.querySelectorAll('tr:not(.space)')
      const [highest, lowest] = [rows?.[0], rows?.[rows.length - 1]].map((row) => row?.getBoundingClientRect())
      if (!body || !rows || !highest || !lowest) return
      // Rows of several lines are of several heights.
      const mean = Math.round((lowest.bottom - highest.top) / rows.length) || 30
      // In steps, so that most scrolling draws nothing.
      const step = (pixels: number) => around * Math.floor(pixels / mean / around)
      const top = -body.getBoundingClientRect().top
      const first = isPrinting ? 0 : Math.max(0, Math.min(step(top) - around, count - around))
      const last = isPrinting ? count : Math.max(first + around, step(top + innerHeight) + 2 * around)
      setDrawn((now) => {
        // Other rows have another mean: a small difference moves nothing.
        const rowHeight = Math.abs(mean - now.rowHeight) < now.rowHeight / 8 ? now.rowHeight : mean
        return now.first === first && now.last === last && now.rowHeight === rowHeight
          ? now
          : { first, last, rowHeight }
      })
    }
    const print = () => {
      isPrinting = true
      draw()
    }
    const endPrint = () => {
      isPrinting = false
      draw()
    }
    draw()
    // A table that is wider than its place scrolls in it: the window hears of that alone where it captures.
    const ofAny = { passive: true, capture: true } as const
    addEventListener('scroll', draw, ofAny)
    addEventListener('resize', draw)
    addEventListener('beforeprint', print)
    addEventListener('afterprint', endPrint)
    return () => {
      removeEventListener('scroll', draw, ofAny)
      removeEventListener('resize', draw)
      removeEventListener('beforeprint', print)
      removeEventListener('afterprint', endPrint)
    }
  }, [section, count, isWindowed])
  if (!isWindowed) return { first: 0, last: count, rowHeight: drawn.rowHeight }
  return { ...drawn, first: Math.min(drawn.first, count), last: Math.min(drawn.last, count) }
}

/** Whether a table is as wide as its place at most. It then scrolls with the page, and its head stays at the top of the window. */
export function useFits(section: RefObject<HTMLElement | null>): boolean {
  const [fits, setFits] = useState(false)
  useLayoutEffect(() => {
    const { current } = section
    const table = current?.querySelector('table')
    if (!current || !table) return
    // Without its lines, and as if it had no bar, which it has only where the table does not fit.
    const look = () => setFits(table.offsetWidth <= current.offsetWidth - 2)
    const observer = new ResizeObserver(look)
    observer.observe(current)
    observer.observe(table)
    look()
    return () => observer.disconnect()
  }, [section])
  return fits
}
