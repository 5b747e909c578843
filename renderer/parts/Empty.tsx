// Empty: what a place is for and how to fill it, where there is nothing yet.
export function Empty({ title, children, action }: { title: string; children: React.ReactNode; action?: React.ReactNode }) {
  return (
    <div style={{ padding: '22px 18px', display: 'grid', gap: 8, maxWidth: 560 }}>
      <strong>{title}</strong>
      <div className="dim">{children}</div>
      {action !== undefined && <div>{action}</div>}
    </div>
  )
}
