// Imported by the desktop's entry before anything that starts programs: in a packed app no start.mjs has named the Node that runs them.
// It lies beside, as the same optional package; Electron's own would have to be asked for it at every start.
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const packed = join(import.meta.dirname, '..', '..', 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
if (!process.env['OVERLAP_NODE'] && existsSync(packed)) process.env['OVERLAP_NODE'] = packed
