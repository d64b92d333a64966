SECRET_KEY = "lab-$password"
SQLALCHEMY_DATABASE_URI = "postgresql+psycopg2://blockerbugs:$password@$hub/blockerbugs_$set"
FAS_PASSWORD = "lab-$password"
# How long bugzilla takes to answer `blockerbugs sync`.
SYNC_SECONDS = 0.5
