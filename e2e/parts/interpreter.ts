// Makes a program start through another dynamic loader than the system's: what patchelf --set-interpreter does.
// The alternative, `ld-linux program …`, makes /proc/<pid>/exe, comm and cmdline say "ld-linux", which no user's engine
// does, so a test of finding engines would prove nothing; and a program that starts itself again would start the loader.

const PT_INTERP = 3

/** A copy of a 64-bit little-endian ELF whose loader is `path`. Only that: its libraries come from LD_LIBRARY_PATH. */
export function withInterpreter(program: Uint8Array, path: string): Buffer {
  const word = Buffer.from(`${path}\0`)
  const elf = Buffer.concat([program, word])
  if (elf.toString('latin1', 1, 4) !== 'ELF' || elf[4] !== 2 || elf[5] !== 1) throw new Error('not a 64-bit ELF program')
  const header = interpreterHeader(elf)
  if (header === null) throw new Error('a static program has no loader to replace')
  // The kernel reads the name at its file offset, so it may stand behind everything that is mapped.
  elf.writeBigUInt64LE(BigInt(program.length), header + 8)
  elf.writeBigUInt64LE(BigInt(word.length), header + 32)
  elf.writeBigUInt64LE(BigInt(word.length), header + 40)
  return elf
}

function interpreterHeader(elf: Buffer): number | null {
  const table = Number(elf.readBigUInt64LE(0x20))
  const entrySize = elf.readUInt16LE(0x36)
  const entries = elf.readUInt16LE(0x38)
  for (let entry = 0; entry < entries; entry += 1) {
    const at = table + entry * entrySize
    if (elf.readUInt32LE(at) === PT_INTERP) return at
  }
  return null
}
