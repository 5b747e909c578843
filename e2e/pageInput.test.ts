import { join } from 'node:path'
import { expect, it } from 'vitest'
import { resolveConfig } from 'vite'

it.each([['page', 'renderer/index.html'], ['gallery', 'renderer/gallery.html']])('a build of the %s starts from %s alone: invented numbers are never in the page', async (mode, input) => {
  const { build } = await resolveConfig({ configFile: join(import.meta.dirname, '../vite.config.ts') }, 'build', mode)
  expect(build.rolldownOptions.input).toEqual([input])
})
