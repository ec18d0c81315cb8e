"""Speed and memory, as ratios against yardsticks in the same run."""
