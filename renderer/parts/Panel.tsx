// Panel: a titled region with thin borders; what screens are made of.
export function Panel({ title, aside, children, body = true, className = '' }: {
  title: React.ReactNode
  aside?: React.ReactNode
  children: React.ReactNode
  /** Whether the content gets the usual padding. */
  body?: boolean
  className?: string
}) {
  return (
    <section className={`panel ${className}`} aria-label={typeof title === 'string' ? title : undefined}>
      <div className="panelHead"><h2 className="panelTitle">{title}</h2><span className="spring" />{aside}</div>
      {body ? <div className="panelBody">{children}</div> : children}
    </section>
  )
}
