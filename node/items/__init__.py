"""Items 事项: life-cycle tables, order, the fold, its digest, guards, lights and roll-up. Pure."""
