"""The SDK an agency's own software uses: durable outbox, sending, inbox, fetching, statuses, tracing.

``Client`` is synchronous, ``AsyncClient`` asynchronous; both drive the same steps. No Django; the
layers above (mediation, office, web, cli) may import it.
"""
