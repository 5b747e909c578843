// Sockets that listen and locks that are held, as the kernel's tables list them. Pure.

/** `…: 00000002 00000000 00010000 0005 01 3024 /run/a b`: after the inode, the path as it is. */
const LISTENING = /^\S+: \S+ \S+ 00010000 \S+ \S+ +\d+ (.+)$/gm
/** Paths of listening unix sockets: the flag __SO_ACCEPTCON, any type. */
export const listeningPaths = (text: string): ReadonlySet<string> =>
  new Set([...text.matchAll(LISTENING)].map(([, path = '']) => path))

/** Bound to 127.0.0.1 or to every address; `0A` is LISTEN. Addresses are written in the byte order of the machine: little-endian. */
const LOOPBACK_HEARS = /^(?:0100007F|0{8}|0{32}|0000000000000000FFFF00000100007F)$/i

export const listeningTcp = (text: string): { port: number; inode: string }[] =>
  text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
    const [address = '', port = ''] = local.split(':')
    return state === '0A' && LOOPBACK_HEARS.test(address) ? [{ port: parseInt(port, 16), inode }] : []
  })

interface HeldLock {
  pid: number
  device: number
  inode: number
}

/** `1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF`; one that waits has `->` after the number. */
export const heldLocks = (text: string): HeldLock[] =>
  text.split('\n').flatMap((line) => {
    const found = /^\d+: +(?:POSIX|FLOCK|OFDLCK) +\S+ +\S+ +(-?\d+) +(\S+):(\S+):(\d+) /.exec(line)
    if (!found || Number(found[1]) <= 0) return []
    return [{ pid: Number(found[1]), device: deviceNumber(parseInt(found[2] ?? '', 16), parseInt(found[3] ?? '', 16)), inode: Number(found[4]) }]
  })

/** As stat(2) gives it: glibc's makedev for numbers below 2^20. */
const deviceNumber = (major: number, minor: number): number => (minor & 0xff) + major * 256 + (minor >> 8) * 2 ** 20
