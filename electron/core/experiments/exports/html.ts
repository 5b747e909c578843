// An outline as one HTML page that needs nothing else: no script, no font, no request. Light and dark by the reader's scheme, light on paper.
import type { Outline, Part, Table } from './outline.ts'
import { escape as escapeMarkup } from './svg.ts'

const LIGHT = `--page:#f4f5f7;--surface:#fff;--text:#1c2430;--dim:#566170;--line:#dde1e6;--grid:#e8ebef;--code:#f6f7f9;--bad:#c0302f;--stamp:#e3b341;--up:#0b7c6b;--down:#c24e12;--expected:#5b48c9;
--arm-0:#b87a00;--arm-1:#1f7fbd;--arm-2:#00795a;--arm-3:#b0437f;--arm-4:#857b00;--arm-5:#c24e12;--arm-6:#3556c9;--arm-7:#6b6b6b`
const DARK = `--page:#0c0f14;--surface:#11151b;--text:#d5dbe3;--dim:#95a0ae;--line:#232a33;--grid:#1e242d;--code:#161b22;--bad:#f0706f;--stamp:#e3b341;--up:#12b886;--down:#e8683a;--expected:#a99bf5;
--arm-0:#e69f00;--arm-1:#56b4e9;--arm-2:#12b886;--arm-3:#e377c2;--arm-4:#f0e442;--arm-5:#e8683a;--arm-6:#6f8ff7;--arm-7:#b8b8b8`

const CSS = `:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
@media print{:root{color-scheme:light;${LIGHT};--page:#fff}body{font-size:10px}section,figure,tr{break-inside:avoid}section:has(tr:nth-child(25)){break-inside:auto}.scroll{overflow:visible}td,th{white-space:normal}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--text);font:14px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:1180px;margin:0 auto;padding:28px 24px 60px}h1{font-size:15px;font-weight:600;color:var(--dim);margin:0 0 10px}h2{font-size:17px;margin:0 0 12px}
.headline{font-size:25px;line-height:1.3;font-weight:600;margin:0 0 10px;text-wrap:balance}.headline+.headline{font-size:18px}.lead,.origin{margin:4px 0;color:var(--dim)}
.stamp{max-width:none;margin:0 0 10px;padding:8px 14px;font-weight:700;color:#1c1500;background:repeating-linear-gradient(-45deg,var(--stamp) 0 14px,#d9a62e 14px 28px)}.warning{border-left:4px solid var(--bad);padding-left:10px;font-weight:600}
section{margin-top:22px;padding:18px 20px;background:var(--surface);border:1px solid var(--line);border-radius:4px}p{margin:10px 0;max-width:92ch}.scroll{overflow-x:auto;margin:12px 0}
table{border-collapse:collapse;width:100%;font-size:13px}th,td{padding:5px 12px 5px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}th{color:var(--dim);font-weight:600}
.num{text-align:right;white-space:pre}th.num{white-space:normal}td:not(.num){white-space:pre-line}td{overflow-wrap:anywhere}td:not(.num):not(:last-child){min-width:7ch;overflow-wrap:normal}figure{margin:6px 0 14px}figcaption{font-size:12px;color:var(--dim)}
pre{background:var(--code);border:1px solid var(--line);border-radius:4px;padding:12px;overflow-x:auto;font:12px/1.5 ui-monospace,monospace}@media print{pre{white-space:pre-wrap}}
svg{display:block;max-width:100%;height:auto;font:12px system-ui,sans-serif}svg text{fill:var(--text)}svg .small{font-size:11px;fill:var(--dim)}svg .strong{font-weight:600}.grid{stroke:var(--grid)}.axis{stroke:var(--dim)}
.whisker{stroke:var(--text);stroke-width:1.6}.expected{fill:var(--expected);fill-opacity:.16}.failed{stroke:var(--bad);stroke-width:2;fill:none}.limit{stroke:var(--dim);stroke-dasharray:4 4}.empty{fill:var(--grid)}`

/** A number stays on one line with its percent sign. */
const escape = (text: string): string => escapeMarkup(text).replace(/(\d) %/g, '$1\u00A0%')

function tableText({ head, rows, numbersFrom }: Table): string {
  const cell = (tag: 'th' | 'td') => (text: string, column: number) => `<${tag}${numbersFrom !== null && column >= numbersFrom ? ' class="num"' : ''}>${escape(text)}</${tag}>`
  return `<div class="scroll"><table><thead><tr>${head.map(cell('th')).join('')}</tr></thead><tbody>${rows.map((row) => `<tr>${row.map(cell('td')).join('')}</tr>`).join('\n')}</tbody></table></div>`
}

function partText(part: Part): string {
  switch (part.kind) {
    case 'text': return `<p>${escape(part.text)}</p>`
    case 'warning': return `<p class="warning">${escape(part.text)}</p>`
    case 'code': return `<pre><code>${escapeMarkup(part.text.trimEnd())}</code></pre>`
    case 'table': return tableText(part)
    case 'figure': return `<figure>${part.svg}<figcaption>${escape(part.caption)}</figcaption></figure>`
  }
}

export function htmlText(outline: Outline): string {
  const stamps = outline.stamps.map((stamp) => `<p class="stamp">${escape(stamp)}</p>`).join('\n')
  const sections = outline.sections.map((section) => `<section><h2>${escape(section.title)}</h2>\n${section.parts.map(partText).join('\n')}\n</section>`).join('\n')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>${escape(outline.title)}</title><style>${CSS}</style></head>
<body><main>
${stamps}
<h1>${escape(outline.title)}</h1>
${outline.headlines.map((headline) => `<p class="headline">${escape(headline)}</p>`).join('\n')}
<p class="lead">${escape(outline.question)}</p>
<p class="origin">${escape(outline.origin)}</p>
${sections}
${stamps}
</main></body></html>
`
}
