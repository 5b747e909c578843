// The walls of ARCHITECTURE.md as a lint rule: who may import whom. Sees static, type-only, re-exported and dynamic imports.
// A file below e2e/lint/wrong/ is judged as if it stood where its path says from there on.
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Rooms of core, lowest first; a room imports lower ones and itself. Rooms on one floor do not know each other. */
const FLOORS = [['kit'], ['store'], ['host'], ['gpu', 'mps', 'engines', 'router', 'load'], ['owners', 'advisor'], ['experiments'], ['']]
const floorOf = (room) => FLOORS.findIndex((rooms) => rooms.includes(room))
const roomOf = (path) => (path.startsWith('electron/core/') ? path.slice('electron/core/'.length).split('/').slice(0, -1)[0] ?? '' : null)

const within = (path, ...folders) => folders.some((folder) => path === folder || path.startsWith(`${folder}/`))
const isTest = (path) => /\.(test|testkit)\.tsx?$/.test(path) || path.startsWith('e2e/')

/** One sentence why `path` may not import `target` (a path from the root, or a package name), or null. */
export function refusal(path, target, typeOnly) {
  const isOurs = within(target, 'shared', 'renderer', 'electron', 'assets', 'e2e')
  const isNode = target.startsWith('node:')
  if (isTest(path)) return null

  if (within(path, 'shared')) {
    if (isOurs && !within(target, 'shared')) return 'shared/ is spoken by both sides and imports neither.'
    if (isNode || target === 'electron' || target.startsWith('react')) return 'shared/ has no Node, no DOM and no electron: put it into core or renderer.'
  }
  if (within(path, 'renderer')) {
    if (isNode || target === 'electron') return 'The page has no Node and no electron: ask through the contract (renderer/link).'
    if (within(target, 'electron')) return 'renderer/ knows shared/ and nothing else of ours: ask through the contract (renderer/link).'
    if ((target === 'recharts' || target === 'uplot' || target.startsWith('uplot/')) && !within(path, 'renderer/parts')) return 'Charts are drawn in renderer/parts only: use a part.'
    if (within(path, 'renderer/parts') && within(target, 'renderer/state', 'renderer/actions', 'renderer/screens', 'renderer/link')) return 'A part knows no store and no action: hand it what it shows.'
    if (within(path, 'renderer/link') && within(target, 'renderer/state', 'renderer/actions', 'renderer/screens', 'renderer/parts')) return 'The link knows no store: state/feed.ts reads from it.'
  }
  if (within(path, 'electron/core')) {
    if (target === 'electron') return 'core runs without Electron: what needs it belongs to electron/app.'
    if (within(target, 'electron/app', 'electron/web')) return 'core has no face: app and web import core, never the other way.'
    if (within(target, 'electron/sim')) return 'core cannot tell simulated from real: the entries hand it Tools.'
    const [from, to] = [roomOf(path), roomOf(target)]
    if (from !== null && to !== null && from !== to && floorOf(to) >= floorOf(from)) return `core/${from || '(top)'} may not import core/${to || '(top)'}: imports go kit < store < host < gpu, mps, engines, load < owners, advisor < experiments < workstation; workstation.ts joins them.`
  }
  if (within(path, 'electron/web')) {
    if (target === 'electron') return 'web runs without Electron: what needs it belongs to electron/app.'
    if (within(target, 'electron/app', 'electron/sim')) return 'web imports core and shared only.'
  }
  if (within(path, 'electron/app') && within(target, 'electron/web', 'electron/sim')) return 'app imports core and shared only.'
  if (within(path, 'electron/sim') && !isNode && !within(target, 'electron/sim')) {
    if (!(within(target, 'shared') && typeOnly)) return 'sim shares no code with the product, else it proves nothing: only node: and its own files (types of shared/ with `import type`).'
  }
  if (within(path, 'electron') && within(target, 'renderer')) return 'The page is built, not imported.'
  if (/^(node:)?(child_process|worker_threads|cluster)$/.test(target) && !within(path, 'electron/core/host', 'electron/sim', 'electron/start.mjs')) return 'Processes are started by a Host only: take one as a parameter (core/host/host.ts).'
  if (target === 'electron' && within(path, 'electron') && !within(path, 'electron/app', 'electron/main.ts', 'electron/preload.ts')) return 'Electron is spoken to in electron/app, main.ts and preload.ts only.'
  if (target === 'ws' && !within(path, 'electron/web')) return 'Sockets for people are opened in electron/web only.'
  if (target === 'better-sqlite3' && !within(path, 'electron/core/store')) return 'The database is opened in core/store only.'
  return null
}

/** A relative specifier as a path from the root; a package or node: name as it is. */
function targetOf(specifier, directory) {
  if (specifier.startsWith('.')) return join(directory, specifier)
  return /^(child_process|worker_threads|cluster|fs|path|os|net|http|crypto)(\/|$)/.test(specifier) ? `node:${specifier}` : specifier
}

function placeOf(filename) {
  const path = relative(root, filename)
  return path.startsWith('e2e/lint/wrong/') ? path.slice('e2e/lint/wrong/'.length) : path
}

const walls = {
  create(context) {
    const path = placeOf(context.filename ?? context.getFilename())
    const check = (node, source, typeOnly) => {
      if (typeof source?.value !== 'string') return
      const reason = refusal(path, targetOf(source.value, dirname(path)), typeOnly)
      if (reason) context.report({ node, message: reason })
    }
    return {
      ImportDeclaration: (node) => check(node, node.source, node.importKind === 'type'),
      ExportNamedDeclaration: (node) => node.source && check(node, node.source, node.exportKind === 'type'),
      ExportAllDeclaration: (node) => check(node, node.source, node.exportKind === 'type'),
      ImportExpression: (node) => check(node, node.source, false),
      TSImportType: (node) => check(node, node.source ?? node.argument?.literal ?? node.argument, true),
      CallExpression: (node) => {
        if (node.callee.type === 'Identifier' && node.callee.name === 'require') check(node, node.arguments[0], false)
      },
    }
  },
}

const proc = {
  create(context) {
    const path = placeOf(context.filename ?? context.getFilename())
    if (isTest(path) || !within(path, 'electron/core', 'electron/web', 'electron/app') || path === 'electron/core/host/procfs.ts') return {}
    const check = (node, text) => {
      if (/^\/proc(\/|$)/.test(text)) context.report({ node, message: '/proc is read in core/host/procfs.ts only: add the question there.' })
    }
    return {
      Literal: (node) => typeof node.value === 'string' && check(node, node.value),
      TemplateElement: (node) => check(node, node.value.raw),
    }
  },
}

/** Streams reach the stores through one file, so that there is one place that knows when a value was last heard. */
const feed = {
  create(context) {
    const path = placeOf(context.filename ?? context.getFilename())
    if (isTest(path) || !within(path, 'renderer') || path === 'renderer/state/feed.ts' || within(path, 'renderer/link')) return {}
    return {
      CallExpression: (node) => {
        if (node.callee.type === 'MemberExpression' && node.callee.property.type === 'Identifier' && node.callee.property.name === 'follow') context.report({ node, message: 'Streams are followed in renderer/state/feed.ts only: read the store it writes.' })
      },
    }
  },
}

export default { meta: { name: 'overlap' }, rules: { walls, proc, feed } }
