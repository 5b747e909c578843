// The tray keeps the core alive when the window is closed, and asks before quitting while engines run.
import { dialog, Menu, nativeImage, Tray } from 'electron'

export function openTray(parts: { icon: string; show: () => void; quit: () => void }): Tray {
  const tray = new Tray(nativeImage.createFromPath(parts.icon))
  tray.setToolTip('Overlap')
  tray.setContextMenu(
    Menu.buildFromTemplate([
      { label: 'Show Overlap', click: parts.show },
      { type: 'separator' },
      { label: 'Quit', click: parts.quit },
    ]),
  )
  tray.on('click', parts.show)
  return tray
}

/** What to do with running engines; `names` is not empty. */
export async function askAboutEngines(names: readonly string[]): Promise<'leave' | 'stop' | 'stay'> {
  const { response } = await dialog.showMessageBox({
    type: 'question',
    message: names.length === 1 ? `${names[0]} is running.` : `${names.length} engines are running: ${names.join(', ')}.`,
    detail: 'Engines left running are found again at the next start.',
    buttons: ['Leave running', 'Stop them', 'Do not quit'],
    defaultId: 2,
    cancelId: 2,
  })
  return (['leave', 'stop', 'stay'] as const)[response] ?? 'stay'
}
