import react from '@vitejs/plugin-react'
import { defineConfig, type UserConfig } from 'vite'

// Three things are bundled: the page, and for the desktop its main program and its preload script (a sandboxed preload cannot be ESM).
// The gallery, whose numbers are invented, is built only when it is asked for, never into the page.
export default defineConfig(({ mode }): UserConfig => {
  if (mode === 'desktop' || mode === 'preload') {
    const input: Record<string, string> = mode === 'desktop' ? { main: 'electron/main.ts' } : { preload: 'electron/preload.ts' }
    const format = mode === 'desktop' ? 'es' : 'cjs'
    return {
      build: {
        target: 'node24', ssr: true, minify: false,
        rollupOptions: { input, external: ['electron', /^node:/], output: { format, entryFileNames: format === 'es' ? '[name].js' : '[name].cjs' } },
      },
    }
  }
  return {
    root: 'renderer',
    publicDir: false,
    base: './',
    plugins: [react()],
    build: { target: 'es2023', sourcemap: false, chunkSizeWarningLimit: 2000, rollupOptions: { input: [mode === 'gallery' ? 'renderer/gallery.html' : 'renderer/index.html'] } },
  }
})
