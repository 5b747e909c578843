// Gallery: the whole page in every situation, from invented values and without a core. /gallery.html?scene=mixed#engines; ?scene=crowd&hz=10 to be measured: nothing but the page
import './jitless.ts'
import { createRoot } from 'react-dom/client'
import { fakeConnection } from './gallery/fakeConnection.ts'
import { SCENES } from './gallery/scenes.ts'
import { Root } from './Root.tsx'
import { feed } from './state/feed.ts'
import { useLink } from './state/link.ts'
import { useMarks } from './state/marks.ts'
import { noteCoreTime } from './parts/now.ts'

const address = new URLSearchParams(location.search)
const asked = address.get('scene') ?? 'two'
const scene = SCENES[asked] ?? SCENES['two']!
// What a lost link leaves on the page was heard before it was lost.
const connection = fakeConnection(scene, Number(address.get('hz') ?? 1))
const before = { ...connection, state: { name: 'open' as const } }
noteCoreTime(Date.now())
useMarks.setState({ marks: [
  { atMs: Date.now() - 48_000, gpuUuid: null, label: 'MPS running', colour: null }, { atMs: Date.now() - 31_000, gpuUuid: null, label: 'qwen-b ready', colour: 1 },
] })
feed(scene.link.name === 'lost' ? before : connection)
if (scene.link.name === 'lost') setTimeout(() => useLink.setState({ state: scene.link }), 400)

function SceneList() {
  return (
    <nav aria-label="Scenes" style={{ position: 'fixed', bottom: 26, left: 2, display: 'grid', fontSize: 9, width: 60, zIndex: 400 }}>
      {Object.keys(SCENES).map((name) => <a key={name} href={`?scene=${name}${location.hash}`} style={{ color: name === asked ? 'var(--tone-good)' : 'var(--mantine-color-dimmed)' }}>{name}</a>)}
    </nav>
  )
}

createRoot(document.getElementById('root')!).render(<><Root connection={connection} />{!address.has('hz') && <SceneList />}</>)
