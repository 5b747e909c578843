// Imported first by every entry: an old Node gets a sentence instead of a crash somewhere inside a dependency.

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`Overlap needs Node 24; this is ${process.versions.node}. Start it with \`npm start\`, which brings its own.\n`)
  process.exit(1)
}
