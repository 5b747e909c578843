// Picture: the chart on the page as a file of its own: SVG with every style resolved, or PNG. Title, unit, keys and stamp go with it.
import type { ChartKey } from './ChartFrame.tsx'

const RESOLVED = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-linecap', 'opacity', 'fill-opacity', 'stroke-opacity', 'font-family', 'font-size', 'font-weight', 'text-anchor', 'dominant-baseline', 'display'] as const
const SVG = 'http://www.w3.org/2000/svg'
const MARGIN = 16
const LINE = 18

export interface Caption { title: string; unit: string; stamp: string | null; keys: ChartKey[] }

/** `chart` as shown, on the background it stands on. */
export function svgPicture(chart: SVGSVGElement, { title, unit, stamp, keys }: Caption): { text: string; width: number; height: number } {
  const page = getComputedStyle(chart.closest('section') ?? document.body)
  const { width, height } = chart.getBoundingClientRect()
  const head = MARGIN + 2 * LINE + (keys.length > 0 ? LINE : 0)
  const whole = { width: Math.ceil(width + 2 * MARGIN), height: Math.ceil(head + height + MARGIN) }
  const picture = element('svg', { xmlns: SVG, width: whole.width, height: whole.height, viewBox: `0 0 ${whole.width} ${whole.height}`, 'font-family': page.fontFamily, 'font-size': 12, fill: page.color })
  picture.append(element('rect', { width: '100%', height: '100%', fill: page.backgroundColor }))
  picture.append(words(title, MARGIN, MARGIN + 10, { 'font-size': 14, 'font-weight': 600 }), words(unit, MARGIN, MARGIN + 10 + LINE, { opacity: 0.75 }))
  if (stamp !== null) picture.append(words(stamp, whole.width - MARGIN, MARGIN + 10, { 'font-weight': 700, 'text-anchor': 'end' }))
  picture.append(...keyMarks(keys, chart, MARGIN + 10 + 2 * LINE))
  const copy = resolvedCopy(chart)
  for (const [name, value] of Object.entries({ x: MARGIN, y: head, width, height })) copy.setAttribute(name, String(value))
  picture.append(copy)
  return { text: new XMLSerializer().serializeToString(picture), ...whole }
}

/** Twice as many pixels as on the page. */
export async function pngPicture(picture: { text: string; width: number; height: number }): Promise<Blob> {
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(picture.text)}` // the page's policy allows pictures from data: only
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = picture.width * 2
  canvas.height = picture.height * 2
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('this browser draws no canvas')
  context.drawImage(image, 0, 0, canvas.width, canvas.height)
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob === null ? reject(new Error('the picture could not be written')) : resolve(blob)), 'image/png'))
}

/** Hands a file to the browser's downloads. */
export function download(fileName: string, content: Blob): void {
  const url = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = url
  link.download = fileName
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value))
  return made
}

function words(text: string, x: number, y: number, more: Record<string, string | number> = {}): SVGElement {
  const made = element('text', { x, y, ...more })
  made.textContent = text
  return made
}

function keyMarks(keys: ChartKey[], chart: SVGSVGElement, y: number): SVGElement[] {
  let x = MARGIN
  return keys.flatMap(({ label, colour, hollow }) => {
    const shade = resolvedColour(colour, chart)
    const marks = [element('rect', { x, y: y - 9, width: 9, height: 9, rx: 2, fill: hollow ? 'none' : shade, stroke: shade }), words(label, x + 14, y)]
    x += 34 + label.length * 6.4
    return marks
  })
}

/** `var(--engine-0)` as the page shows it where the chart stands. */
function resolvedColour(colour: string, at: Element): string {
  const probe = element('rect', {})
  probe.style.fill = colour
  at.append(probe)
  const { fill } = getComputedStyle(probe)
  probe.remove()
  return fill
}

function resolvedCopy(chart: SVGSVGElement): SVGSVGElement {
  const copy = chart.cloneNode(true) as SVGSVGElement
  const copies = [copy, ...copy.querySelectorAll<SVGElement>('*')]
  for (const [at, original] of [chart, ...chart.querySelectorAll<SVGElement>('*')].entries()) {
    const style = getComputedStyle(original)
    const target = copies[at]!
    for (const name of RESOLVED) target.setAttribute(name, style.getPropertyValue(name))
    target.removeAttribute('style')
    target.removeAttribute('class')
  }
  return copy
}
