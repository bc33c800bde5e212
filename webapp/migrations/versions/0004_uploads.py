"""Uploads that come in pieces

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-29 02:55:00

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('upload',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('visitor', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('n_bytes', sa.BigInteger(), nullable=False),
    sa.Column('changed', sa.String(), nullable=False),
    sa.Column('created_s', sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('upload', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_upload_visitor'), ['visitor'], unique=False)


def downgrade():
    with op.batch_alter_table('upload', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_upload_visitor'))

    op.drop_table('upload')
