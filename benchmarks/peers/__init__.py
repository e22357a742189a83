"""Other engines on the same ticks, each through its public interface only. Each module runs under that engine's own interpreter."""
