// node embed.mjs DIST OUT: writes the built console as C++ source, the definition of console_assets().
// Byte strings compile in a fraction of a second and need neither #embed nor an assembler; the same input gives
// the same output, byte for byte, so an unchanged console recompiles nothing.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { gzipSync } from 'node:zlib'

const MEDIA_TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}
const LITERAL_BYTES_PER_LINE = 48

function filesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? filesBelow(path) : [path]
  })
}

// Octal escapes end after three digits, whatever follows; hexadecimal ones do not.
function literal(bytes) {
  const lines = []
  for (let at = 0; at < bytes.length; at += LITERAL_BYTES_PER_LINE) {
    const line = bytes.subarray(at, at + LITERAL_BYTES_PER_LINE)
    lines.push(`    "${[...line].map((byte) => '\\' + byte.toString(8).padStart(3, '0')).join('')}"`)
  }
  return lines.join('\n')
}

function assetOf(dist, file) {
  const mediaType = MEDIA_TYPES[extname(file)]
  if (!mediaType) throw new Error(`no media type is known for ${file}`)
  const body = readFileSync(file)
  const etag = createHash('sha256').update(body).digest('hex').slice(0, 32)
  const gzip = gzipSync(body, { level: 9 })
  gzip[9] = 255 // the operating system: unknown, so that every machine writes the same bytes
  return { path: '/' + relative(dist, file).split(sep).join('/'), mediaType, etag, gzip }
}

function source(assets) {
  const bodies = assets.map((asset, index) => `constexpr char body_${index}[] =\n${literal(asset.gzip)};`)
  const rows = assets.map(
    (asset, index) =>
      `    {"${asset.path}", "${asset.mediaType}", "\\"${asset.etag}\\"",\n` +
      `     {reinterpret_cast<const uint8_t*>(body_${index}), sizeof body_${index} - 1}},`,
  )
  return `// Written by console/embed.mjs from the built console; do not edit.
#include "doors/http/console_assets.h"

namespace pabal::doors {
namespace {

${bodies.join('\n')}

}  // namespace

std::span<const Asset> console_assets() {
  static const Asset assets[] = {
${rows.join('\n')}
  };
  return assets;
}

}  // namespace pabal::doors
`
}

const [dist, out] = process.argv.slice(2)
if (!dist || !out) {
  console.error('usage: node embed.mjs DIST OUT')
  process.exit(2)
}
const byPath = (a, b) => (a.path < b.path ? -1 : 1)
const assets = filesBelow(dist)
  .map((file) => assetOf(dist, file))
  .sort(byPath)
writeFileSync(out, source(assets))
const total = assets.reduce((sum, asset) => sum + asset.gzip.length, 0)
console.log(`console: ${assets.length} files, ${(total / 1000).toFixed(1)} KB compressed`)
