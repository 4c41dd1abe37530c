"""The application that `flask` finds by itself."""

from essays import create_app

app = create_app("production")

if __name__ == "__main__":
    app.run()
