"""What people may ask of the pool: to be told, forgotten, corrected, left alone; and how long anything is kept."""
