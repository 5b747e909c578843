// Hands the page one MessagePort; nothing else, ever.
import { ipcRenderer } from 'electron'

ipcRenderer.on('overlap.port', (event) => {
  window.postMessage('overlap.port', window.location.origin, [...event.ports])
})
// the page may be loaded again: each load asks for its own port
window.addEventListener('DOMContentLoaded', () => ipcRenderer.send('overlap.page'))
